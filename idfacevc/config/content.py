"""Content encoders: what turns the mel or the waveform into codes of what is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idfacevc.errors import InputError


@dataclass(frozen=True)
class LifterSpec:
    """Cepstral lifter before a content encoder (SP-FaceVC).

    Attributes:
        cutoff: Cepstral coefficients that stay.
        basis: "dct2", or "dct3" for SP-FaceVC's released order of transforms.
    """

    cutoff: int = 10
    basis: Literal["dct2", "dct3"] = "dct2"


@dataclass(frozen=True)
class VqcpcSpec:
    """Content encoder of the paper: VQ, with VQMIVC's sizes.

    Attributes:
        lifter: Lifter of the mel that it reads, if any.
        hidden, layers: Width and number of the per-frame linear layers.
        dim, codes: Size and number of the codes.
        codebooks: More than 1 quantise residually.
        commitment: Factor of the commitment loss.
        decay: Of the codebook's moving averages.
        restart_threshold: Codes whose smoothed count falls below it are re-seeded from the batch; 0 never does.
    """

    kind: Literal["vqcpc"] = "vqcpc"
    lifter: LifterSpec | None = None
    hidden: int = 512
    layers: int = 4
    dim: int = 64
    codes: int = 512
    codebooks: int = 1
    commitment: float = 0.25
    decay: float = 0.999
    restart_threshold: float = 0.0


@dataclass(frozen=True)
class BottleneckSpec:
    """Content encoder of AutoVC, FaceVC and SP-FaceVC: three convolutions and a BiLSTM of few outputs.

    Attributes:
        lifter: Lifter of the mel that it reads, if any.
        hidden: Width of the convolutions.
        dim: Width of the codes, even.
        every: Mel frames a code stands for, even.
    """

    kind: Literal["autovc_bottleneck"] = "autovc_bottleneck"
    lifter: LifterSpec | None = None
    hidden: int = 512
    dim: int = 64
    every: int = 32

    def __post_init__(self) -> None:
        if self.dim % 2 or self.every % 2:
            raise InputError(f"content.dim {self.dim} and content.every {self.every} must be even for the bottleneck")


@dataclass(frozen=True)
class WhisperSpec:
    """Sizes of `backbones.whisper.WhisperEncoder`; the defaults are those of tiny.en."""

    n_mels: int = 80
    dim: int = 384
    layers: int = 4
    heads: int = 6
    positions: int = 1500


@dataclass(frozen=True)
class WhisperContentSpec:
    """Content from Whisper's frozen encoder, narrowed to `dim` numbers (the demo).

    Attributes:
        whisper: Sizes of the encoder.
        dim: Width of the codes.
        noise: Deviation of the noise on the codes in training.
    """

    kind: Literal["whisper"] = "whisper"
    whisper: WhisperSpec = field(default_factory=WhisperSpec)
    dim: int = 64
    noise: float = 0.1


ContentSpec = VqcpcSpec | BottleneckSpec | WhisperContentSpec

"""What a vocoder is, and how a bundle names one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from idfacevc.config import ConfigError, FrontEndSpec, GeneratorSpec, to_dict
from idfacevc.errors import InputError

if TYPE_CHECKING:
    from idfacevc.vocoder.parallel_wavegan import Generator

VOCODER_NAMES = {"griffin_lim": "Griffin-Lim (no weights)", "parallel_wavegan": "ParallelWaveGAN"}


@dataclass(frozen=True)
class MelStatistics:
    """Of each mel band over the training material of a vocoder: mean and deviation, (M,)."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class VocoderSpec:
    """The vocoder of a bundle.

    Attributes:
        kind: "griffin_lim" needs no weights.
        front_end: of the mels that it reads; the acoustic model's must be the same.
        iterations: of Griffin-Lim.
        generator: sizes of ParallelWaveGAN.
        statistics: by which ParallelWaveGAN normalises the mels, which come as they are.
    """

    kind: Literal["griffin_lim", "parallel_wavegan"] = "griffin_lim"
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    iterations: int = 100
    generator: GeneratorSpec | None = None
    statistics: MelStatistics | None = None

    def __post_init__(self) -> None:
        if self.kind == "griffin_lim":
            return
        if self.generator is None or self.statistics is None:
            raise ConfigError("a parallel_wavegan vocoder needs generator and statistics")
        if self.generator.hop_length != self.front_end.hop_length:
            raise ConfigError(
                f"the generator makes {self.generator.hop_length} samples of a frame "
                f"and the front end's hop is {self.front_end.hop_length}"
            )
        mean, scale = self.statistics.mean, self.statistics.scale
        if not len(mean) == len(scale) == self.front_end.n_mels:
            raise ConfigError(f"the statistics must have a mean and a scale for each of {self.front_end.n_mels} bands")
        if not all(map(math.isfinite, mean + scale)) or min(scale) <= 0:
            raise ConfigError("the statistics must be finite, and the scales positive")


class Vocoder(Protocol):
    """Turns a log-mel (M, T), not normalised, into T * hop samples; sample `t * hop` is the centre of frame t.

    Attributes:
        name: what it is called in reports.
        spec: front end of the mels that it reads.
    """

    name: str
    spec: FrontEndSpec

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """The whole wave, float32 (T * hop,), of a mel (M, T)."""
        ...

    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The same wave in pieces, of a mel that arrives in pieces (M, t), in bounded memory and without seams."""
        ...


def build_vocoder(spec: VocoderSpec, device: torch.device | str = "cpu", generator: Generator | None = None) -> Vocoder:
    """The vocoder that a bundle names; `generator` holds the weights of ParallelWaveGAN."""
    if spec.kind == "parallel_wavegan":
        from idfacevc.vocoder.wavegan import ParallelWaveGAN

        assert generator is not None, "ParallelWaveGAN needs its generator"
        return ParallelWaveGAN(spec, generator, device)
    from idfacevc.vocoder.griffin_lim import GriffinLim

    return GriffinLim(spec.front_end, spec.iterations, device)


def check_front_ends(model: FrontEndSpec, vocoder: FrontEndSpec) -> None:
    """`InputError` with both specifications unless they are the same."""
    if model != vocoder:
        raise InputError(
            "the vocoder reads other mels than the model makes, and there is no exact conversion; "
            f"model: {_written(model)}; vocoder: {_written(vocoder)}"
        )


def _written(spec: FrontEndSpec) -> str:
    return ", ".join(f"{name} {value}" for name, value in to_dict(spec).items())


def checked_mels(mels: Iterable[Tensor], spec: FrontEndSpec) -> Iterator[Tensor]:
    """The pieces of a mel that hold frames, each checked; `InputError` if there is none."""
    frames = 0
    for mel in mels:
        check_mel(mel, spec)
        frames += mel.shape[1]
        if mel.shape[1]:
            yield mel
    if not frames:
        raise InputError("the mel is empty: it holds no frames")


def check_mel(mel: Tensor, spec: FrontEndSpec) -> None:
    """`InputError` unless `mel` is a finite (M, T) with the front end's number of bands."""
    if mel.ndim != 2 or mel.shape[0] != spec.n_mels:
        raise InputError(f"the vocoder reads mels of shape ({spec.n_mels}, T), not {tuple(mel.shape)}")
    if not torch.isfinite(mel).all():
        raise InputError("the mel holds values that are not finite numbers (NaN or infinity)")

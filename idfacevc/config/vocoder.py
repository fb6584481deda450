"""Sizes of the vocoders and of the networks that train them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError


@dataclass(frozen=True)
class GeneratorSpec:
    """Sizes of Parallel WaveGAN's generator (arXiv 1910.11480, section 3.3).

    Attributes:
        layers, stacks: gated residual blocks, and cycles over which their dilation doubles from 1.
        residual, gate, skip: channels; a gate has two halves.
        kernel: width of the dilated convolutions, odd.
        context: frames of the mel at each side that a frame is mixed with.
        upsample_scales: whose product is the hop.
        excitation: "noise" is the paper's; "griffin_lim" refines a wave of the mel by phase retrieval, to which the
            network's output is added.
    """

    layers: int = 30
    stacks: int = 3
    residual: int = 64
    gate: int = 128
    skip: int = 64
    kernel: int = 3
    context: int = 2
    upsample_scales: tuple[int, ...] = (4, 5, 8)
    excitation: Literal["noise", "griffin_lim"] = "noise"

    def __post_init__(self) -> None:
        sizes = (self.layers, self.stacks, self.residual, self.gate, self.skip, *self.upsample_scales)
        if min(sizes) < 1 or self.context < 0:
            raise InputError("the generator's sizes must be positive")
        if self.layers % self.stacks or self.gate % 2 or self.kernel % 2 == 0:
            raise InputError("the generator needs whole stacks of layers, an even gate and an odd kernel")

    @property
    def hop_length(self) -> int:
        """Samples that a frame becomes."""
        return math.prod(self.upsample_scales)

    @property
    def dilations(self) -> list[int]:
        """Of each layer."""
        return [2 ** (layer % (self.layers // self.stacks)) for layer in range(self.layers)]


@dataclass(frozen=True)
class DiscriminatorSpec:
    """Sizes of a discriminator of waves: "plain" is the paper's, "residual" has the generator's blocks."""

    kind: Literal["plain", "residual"] = "plain"
    layers: int = 10
    channels: int = 64
    kernel: int = 3
    stacks: int = 1


@dataclass(frozen=True)
class SourceFilterSpec:
    """Sizes of the source-filter generator.

    Attributes:
        channels, hidden, blocks, kernel: Of its ConvNeXt blocks.
        window: Samples of the Hann window of all spectra; a multiple of the hop.
    """

    channels: int = 256
    hidden: int = 512
    blocks: int = 6
    kernel: int = 7
    window: int = 640

    def __post_init__(self) -> None:
        if min(self.channels, self.hidden, self.blocks, self.window) < 1 or self.kernel % 2 == 0:
            raise InputError("the generator's sizes must be positive, and its kernel odd")


VOCODER_NAMES = {
    "griffin_lim": "Griffin-Lim (no weights)",
    "parallel_wavegan": "ParallelWaveGAN",
    "source_filter": "source-filter vocoder",
}


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
        source_filter: Sizes of the source-filter generator.
        statistics: by which a trained vocoder normalises the mels, which come as they are.
    """

    kind: Literal["griffin_lim", "parallel_wavegan", "source_filter"] = "griffin_lim"
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    iterations: int = 100
    generator: GeneratorSpec | None = None
    source_filter: SourceFilterSpec | None = None
    statistics: MelStatistics | None = None

    def __post_init__(self) -> None:
        if self.kind == "griffin_lim":
            return
        if self.kind == "source_filter":
            if self.source_filter is None or self.statistics is None:
                raise InputError("a source_filter vocoder needs source_filter and statistics")
            if self.source_filter.window % self.front_end.hop_length:
                raise InputError("the window of a source_filter vocoder must be a multiple of the front end's hop")
        elif self.generator is None or self.statistics is None:
            raise InputError("a parallel_wavegan vocoder needs generator and statistics")
        elif self.generator.hop_length != self.front_end.hop_length:
            raise InputError(
                f"the generator makes {self.generator.hop_length} samples of a frame "
                f"and the front end's hop is {self.front_end.hop_length}"
            )
        mean, scale = self.statistics.mean, self.statistics.scale
        if not len(mean) == len(scale) == self.front_end.n_mels:
            raise InputError(f"the statistics must have a mean and a scale for each of {self.front_end.n_mels} bands")
        if not all(map(math.isfinite, mean + scale)) or min(scale) <= 0:
            raise InputError("the statistics must be finite, and the scales positive")

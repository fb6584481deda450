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
        """Dilation of each layer."""
        return [2 ** (layer % (self.layers // self.stacks)) for layer in range(self.layers)]


@dataclass(frozen=True)
class DiscriminatorSpec:
    """Sizes of Parallel WaveGAN's discriminator (arXiv 1910.11480, section 3.3)."""

    layers: int = 10
    channels: int = 64
    kernel: int = 3


@dataclass(frozen=True)
class SourceFilterSpec:
    """Sizes of the source-filter generator.

    Attributes:
        channels, hidden, blocks, kernel: Sizes of its ConvNeXt blocks.
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
    """Mean and deviation (M,) of each mel band over the training material of a vocoder."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class GriffinLimSpec:
    """Phase retrieval, without weights.

    Attributes:
        front_end: Front end of the mels that it reads; the acoustic model's must be the same.
        iterations: Rounds of the retrieval.
    """

    kind: Literal["griffin_lim"] = "griffin_lim"
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    iterations: int = 100


@dataclass(frozen=True, kw_only=True)
class ParallelWaveGANSpec:
    """A trained Parallel WaveGAN.

    Attributes:
        front_end: Front end of the mels that it reads.
        generator: Sizes of the generator.
        statistics: Normalisation of the mels, which come as they are.
    """

    kind: Literal["parallel_wavegan"] = "parallel_wavegan"
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    generator: GeneratorSpec
    statistics: MelStatistics

    def __post_init__(self) -> None:
        if self.generator.hop_length != self.front_end.hop_length:
            raise InputError(
                f"the generator makes {self.generator.hop_length} samples of a frame "
                f"and the front end's hop is {self.front_end.hop_length}"
            )
        _check_statistics(self.statistics, self.front_end)


@dataclass(frozen=True, kw_only=True)
class SourceFilterVocoderSpec:
    """A trained source-filter vocoder.

    Attributes:
        front_end: Front end of the mels that it reads.
        source_filter: Sizes of the generator.
        statistics: Normalisation of the mels, which come as they are.
    """

    kind: Literal["source_filter"] = "source_filter"
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    source_filter: SourceFilterSpec
    statistics: MelStatistics

    def __post_init__(self) -> None:
        if self.source_filter.window % self.front_end.hop_length:
            raise InputError("the window of a source_filter vocoder must be a multiple of the front end's hop")
        _check_statistics(self.statistics, self.front_end)


VocoderSpec = GriffinLimSpec | ParallelWaveGANSpec | SourceFilterVocoderSpec
"""The vocoder of a bundle, chosen by `kind`."""


def _check_statistics(statistics: MelStatistics, front_end: FrontEndSpec) -> None:
    mean, scale = statistics.mean, statistics.scale
    if not len(mean) == len(scale) == front_end.n_mels:
        raise InputError(f"the statistics must have a mean and a scale for each of {front_end.n_mels} bands")
    if not all(map(math.isfinite, mean + scale)) or min(scale) <= 0:
        raise InputError("the statistics must be finite, and the scales positive")

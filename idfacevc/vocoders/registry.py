"""The vocoder that a bundle names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from idfacevc.config.vocoder import VocoderSpec
from idfacevc.vocoders.base import Vocoder

if TYPE_CHECKING:
    from idfacevc.vocoders.parallel_wavegan.generator import Generator
    from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator


def build_vocoder(
    spec: VocoderSpec,
    device: torch.device | str = "cpu",
    generator: Generator | SourceFilterGenerator | None = None,
) -> Vocoder:
    """The vocoder that a bundle names; `generator` holds the weights of one that is trained."""
    if spec.kind == "source_filter":
        from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator
        from idfacevc.vocoders.source_filter.vocoder import SourceFilter

        assert isinstance(generator, SourceFilterGenerator), "the source-filter vocoder needs its generator"
        return SourceFilter(spec, generator, device)
    if spec.kind == "parallel_wavegan":
        from idfacevc.vocoders.parallel_wavegan.generator import Generator
        from idfacevc.vocoders.parallel_wavegan.vocoder import ParallelWaveGAN

        assert isinstance(generator, Generator), "ParallelWaveGAN needs its generator"
        return ParallelWaveGAN(spec, generator, device)
    from idfacevc.vocoders.griffin_lim import GriffinLim

    return GriffinLim(spec.front_end, spec.iterations, device)

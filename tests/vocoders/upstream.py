"""The package parallel-wavegan, an independent implementation to compare with."""

from __future__ import annotations

from typing import Any

import pytest
import scipy.signal
import torch

from idfacevc.config.vocoder import DiscriminatorSpec, GeneratorSpec

SCALES = {"vqmivc16k": (4, 5, 8), "pwg22k": (4, 4, 4, 4), "pwg24k": (4, 5, 3, 5)}


def upstream() -> Any:
    """The package's modules; the test is skipped where it is not installed."""
    scipy.signal.kaiser = scipy.signal.windows.kaiser  # gone from SciPy; the package imports it from here
    return pytest.importorskip("parallel_wavegan")


def generator_params(spec: GeneratorSpec, n_mels: int = 80) -> dict[str, Any]:
    """A generator's sizes as the package's configurations write them."""
    return {
        "in_channels": 1,
        "out_channels": 1,
        "kernel_size": spec.kernel,
        "layers": spec.layers,
        "stacks": spec.stacks,
        "residual_channels": spec.residual,
        "gate_channels": spec.gate,
        "skip_channels": spec.skip,
        "aux_channels": n_mels,
        "aux_context_window": spec.context,
        "dropout": 0.0,
        "use_weight_norm": True,
        "upsample_net": "ConvInUpsampleNetwork",
        "upsample_params": {"upsample_scales": list(spec.upsample_scales)},
    }


def scrambled(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Random weights everywhere: biases, lengths and smoothing filters, which a fresh network has at one value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1 + 0.3 * torch.randn(parameter.shape, generator=generator))
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def upstream_generator(spec: GeneratorSpec, n_mels: int = 80) -> Any:
    upstream()
    from parallel_wavegan.models import ParallelWaveGANGenerator

    return ParallelWaveGANGenerator(**generator_params(spec, n_mels))


def upstream_discriminator(spec: DiscriminatorSpec) -> Any:
    upstream()
    from parallel_wavegan.models import ParallelWaveGANDiscriminator

    return ParallelWaveGANDiscriminator(layers=spec.layers, conv_channels=spec.channels, kernel_size=spec.kernel)

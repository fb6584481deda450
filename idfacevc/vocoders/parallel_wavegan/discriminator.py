"""Parallel WaveGAN's discriminator of waves."""

from __future__ import annotations

from torch import Tensor, nn

from idfacevc.config.vocoder import DiscriminatorSpec
from idfacevc.vocoders.parallel_wavegan.generator import WeightNormed, conv

_SLOPE = 0.2


class Discriminator(WeightNormed):
    """Convolutions whose dilation grows by one a layer (Parallel WaveGAN, section 3.3).

    Shape: wave (B, 1, N) -> a score a sample (B, 1, N).
    """

    def __init__(self, spec: DiscriminatorSpec) -> None:
        super().__init__()
        sizes = [1, *[spec.channels] * (spec.layers - 1)]
        parts: list[nn.Module] = []
        for number, inputs in enumerate(sizes[:-1]):
            parts += [conv(inputs, spec.channels, spec.kernel, max(1, number)), nn.LeakyReLU(_SLOPE)]
        self.conv_layers = nn.Sequential(*parts, conv(sizes[-1], 1, spec.kernel))
        self.apply_weight_norm()

    def forward(self, wave: Tensor) -> Tensor:
        return self.conv_layers(wave)

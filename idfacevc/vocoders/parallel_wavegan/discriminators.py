"""What tells real waves from made ones, sample by sample: (B, 1, N) -> (B, 1, N)."""

from __future__ import annotations

import math

from torch import Tensor, nn

from idfacevc.config.vocoder import DiscriminatorSpec
from idfacevc.vocoders.parallel_wavegan.generator import WeightNormed, conv, residual_blocks

_SLOPE = 0.2


def build_discriminator(spec: DiscriminatorSpec, weight_norm: bool = True) -> Discriminator | ResidualDiscriminator:
    """The discriminator of that kind and those sizes."""
    if spec.kind == "residual":
        return ResidualDiscriminator(spec.layers, spec.channels, spec.kernel, spec.stacks, weight_norm)
    return Discriminator(spec.layers, spec.channels, spec.kernel, weight_norm)


class Discriminator(WeightNormed):
    """Convolutions whose dilation grows by one a layer (Parallel WaveGAN, section 3.3)."""

    def __init__(self, layers: int = 10, channels: int = 64, kernel: int = 3, weight_norm: bool = True) -> None:
        super().__init__()
        sizes = [1, *[channels] * (layers - 1)]
        parts: list[nn.Module] = []
        for number, inputs in enumerate(sizes[:-1]):
            parts += [conv(inputs, channels, kernel, max(1, number)), nn.LeakyReLU(_SLOPE)]
        self.conv_layers = nn.Sequential(*parts, conv(sizes[-1], 1, kernel))
        if weight_norm:
            self.apply_weight_norm()

    def forward(self, wave: Tensor) -> Tensor:
        return self.conv_layers(wave)


class ResidualDiscriminator(WeightNormed):
    """The generator's gated residual blocks, without a mel; `channels` wide, gates twice that."""

    def __init__(
        self, layers: int = 30, channels: int = 64, kernel: int = 3, stacks: int = 3, weight_norm: bool = True
    ) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(conv(1, channels), nn.LeakyReLU(_SLOPE))
        self.conv_layers = residual_blocks(layers, stacks, channels, 2 * channels, channels, kernel)
        self.last_conv_layers = nn.Sequential(
            nn.LeakyReLU(_SLOPE), conv(channels, channels), nn.LeakyReLU(_SLOPE), conv(channels, 1)
        )
        if weight_norm:
            self.apply_weight_norm()

    def forward(self, wave: Tensor) -> Tensor:
        x, skips = self.conv_layers[0](self.first_conv(wave))
        for block in self.conv_layers[1:]:
            x, skip = block(x)
            skips = skips + skip
        return self.last_conv_layers(skips * math.sqrt(1 / len(self.conv_layers)))

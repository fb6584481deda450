"""Discriminators of mels: a training can ask whether a decoded mel looks like a recording's."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Two-dimensional convolutions that judge patches of a normalised mel.

    Shape: mel (B, M, T) -> feature maps of each layer; the last (B, 1, M / 16, T / 4) holds the scores.
    """

    def __init__(self, channels: tuple[int, ...] = (32, 64, 96, 96)) -> None:
        super().__init__()
        strides = [(2, 1)] + [(2, 2)] * 2 + [(2, 1)] * (len(channels) - 3)
        widths = (1, *channels)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(widths[i], widths[i + 1], 3, stride, 1)) for i, stride in enumerate(strides)
        )
        self.score = spectral_norm(nn.Conv2d(channels[-1], 1, 3, 1, 1))

    def forward(self, mel: Tensor) -> list[Tensor]:
        hidden, features = mel[:, None], []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), 0.2)
            features.append(hidden)
        return [*features, self.score(hidden)]

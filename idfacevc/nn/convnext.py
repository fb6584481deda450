"""ConvNeXt block along time, modulated by a condition (Liu et al. 2022; the form of Vocos, Siuzdak 2023)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, a norm over channels, two linear layers, beside a residual path.

    The norm sees one frame alone, so that a stream equals one pass. A condition scales and shifts what is normed.

    Args:
        channels: Width C.
        hidden: Width between the two linear layers.
        kernel: Frames of the convolution, odd.
        dilation: Distance of those frames.
        condition: Width D of the condition; 0 for none.

    Shape: (B, T, C), condition (B, D) -> (B, T, C).
    """

    def __init__(self, channels: int, hidden: int, kernel: int = 7, dilation: int = 1, condition: int = 0) -> None:
        super().__init__()
        padding = kernel // 2 * dilation
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=padding, dilation=dilation, groups=channels)
        self.norm = nn.LayerNorm(channels, elementwise_affine=not condition)
        self.modulation = nn.Linear(condition, 2 * channels) if condition else None
        self.widen = nn.Linear(channels, hidden)
        self.narrow = nn.Linear(hidden, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.1))
        if self.modulation is not None:
            nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        hidden = self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        if self.modulation is not None:
            assert condition is not None
            gain, shift = self.modulation(condition)[:, None].chunk(2, dim=-1)
            hidden = hidden * (1 + gain) + shift
        return x + self.scale * self.narrow(F.gelu(self.widen(hidden)))

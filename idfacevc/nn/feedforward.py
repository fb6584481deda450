"""Feed-forward blocks."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def feed_forward(dim: int, hidden: int, dropout: float) -> nn.Sequential:
    """Linear, GELU, dropout, linear. Shape: (..., dim) -> (..., dim)."""
    block = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, dim))
    for module in block:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return block


class Adapter(nn.Module):
    """Two-layer network onto the unit sphere, between an identity branch and the memory (OPEN 11).

    Shape: (B, dim) -> (B, dim), each row of unit length.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.layers(x), dim=-1)

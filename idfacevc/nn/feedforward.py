"""Feed-forward blocks."""

from __future__ import annotations

from typing import Literal

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
    """Between an identity branch and the memory: a two-layer network onto the unit sphere (OPEN 11).

    "unit" leaves the network out, "none" the unit length as well.

    Shape: (B, dim) -> (B, dim).
    """

    def __init__(self, dim: int, kind: Literal["feed_forward", "unit", "none"] = "feed_forward") -> None:
        super().__init__()
        self.unit = kind != "none"
        self.layers: nn.Module = nn.Identity()
        if kind == "feed_forward":
            self.layers = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x)
        return F.normalize(x, dim=-1) if self.unit else x

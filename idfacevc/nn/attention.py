"""Attention blocks of the two identity branches."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V with separate projections; `heads=1` without output projection is the paper's form.

    Shape: query (B, Q, dim), context (B, P, context_dim) -> (B, Q, dim).
    """

    def __init__(self, dim: int, context_dim: int, heads: int, dropout: float = 0.0, project: bool = True) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(context_dim, dim)
        self.value = nn.Linear(context_dim, dim)
        self.output: nn.Module = nn.Linear(dim, dim) if project else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def weights(self, query: Tensor, context: Tensor) -> Tensor:
        """Attention map (B, heads, Q, P)."""
        q, k = self._split(self.query(query)), self._split(self.key(context))
        return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        attended = self.dropout(self.weights(query, context)) @ self._split(self.value(context))
        return self.output(attended.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class ChannelAttention(nn.Module):
    """FVMVC's attention over the channels of one vector: softmax of the outer product of query and key, times value.

    Shape: (B, in_dim) -> (B, dim).
    """

    def __init__(self, in_dim: int, dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(in_dim, dim)
        self.key = nn.Linear(in_dim, dim)
        self.value = nn.Linear(in_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.query(x)[:, :, None] * self.key(x)[:, None, :], dim=-1)
        return (weights @ self.value(x)[:, :, None]).squeeze(-1)

"""SAFPQ: the Self-Adaptive Face-Prompted QFormer (Eqs. 1-3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from idfacevc.config.face_head import SafpqSpec
from idfacevc.nn.attention import MultiHeadAttention
from idfacevc.nn.feedforward import feed_forward


class SafpqBlock(nn.Module):
    """Self-attention among the prompts, cross-attention onto the face tokens, FFN.

    Shape: prompts (B, Q, dim), tokens (B, P, token_dim) -> (B, Q, dim).
    """

    def __init__(self, spec: SafpqSpec, token_dim: int) -> None:
        super().__init__()
        exact = spec.paper_equations_only
        dropout = 0.0 if exact else spec.dropout
        self.residual = not exact
        self.self_attention = MultiHeadAttention(spec.dim, spec.dim, spec.heads, dropout, project=not exact)
        self.cross_attention = MultiHeadAttention(spec.dim, token_dim, spec.heads, dropout, project=not exact)
        self.ffn = feed_forward(spec.dim, spec.ffn_dim, dropout)

        def norm() -> nn.Module:
            return nn.Identity() if exact else nn.LayerNorm(spec.dim)

        self.norm_self, self.norm_cross, self.norm_ffn = norm(), norm(), norm()

    def forward(self, prompts: Tensor, tokens: Tensor) -> Tensor:
        normed = self.norm_self(prompts)
        hidden = self._add(prompts, self.self_attention(normed, normed))  # Eq. 1
        hidden = self._add(hidden, self.cross_attention(self.norm_cross(hidden), tokens))  # Eq. 2
        return self._add(hidden, self.ffn(self.norm_ffn(hidden)))  # Eq. 3

    def _add(self, before: Tensor, update: Tensor) -> Tensor:
        return before + update if self.residual else update


class Safpq(nn.Module):
    """Learnable prompts that query the tokens of a frozen face backbone; the fused answer is the face identity F_query.

    Without positional encoding: the order of the tokens does not matter.

    Shape: tokens (B, P, token_dim) -> F_query (B, dim), not normalised.
    """

    def __init__(self, spec: SafpqSpec, token_dim: int) -> None:
        super().__init__()
        self.prompts = nn.Parameter(torch.empty(1, spec.prompts, spec.dim).normal_(std=0.02))
        # hidden states taken before CLIP's last norm hold large outlier channels
        self.norm = nn.Identity() if spec.paper_equations_only else nn.LayerNorm(token_dim)
        self.blocks = nn.ModuleList(SafpqBlock(spec, token_dim) for _ in range(spec.blocks))
        self.fuse = nn.Linear(spec.prompts * spec.dim, spec.dim) if spec.fuse == "flatten" else None

    def query(self, tokens: Tensor) -> Tensor:
        """The retrieved features of every prompt, (B, Q, dim)."""
        tokens = self.norm(tokens.to(self.prompts.dtype))
        hidden = self.prompts.expand(tokens.shape[0], -1, -1)
        for block in self.blocks:
            hidden = block(hidden, tokens)
        return hidden

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.query(tokens)
        return hidden.mean(dim=1) if self.fuse is None else self.fuse(hidden.flatten(1))

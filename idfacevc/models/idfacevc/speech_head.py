"""Speech identity branch: F_spk from frozen speaker features (paper: MIDD and Fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from idfacevc.config.speech import ClapSafpqSpec, SpeechSpec
from idfacevc.nn.attention import ChannelAttention, MultiHeadAttention
from idfacevc.nn.feedforward import feed_forward


class ClapSafpq(nn.Module):
    """SAFPQ without cross-attention over CLAP's tokens.

    Shape: tokens (B, P, token_dim) -> F_spk (B, dim).
    """

    def __init__(self, spec: ClapSafpqSpec, dim: int) -> None:
        super().__init__()
        self.adapter = nn.Sequential(nn.Linear(spec.token_dim, dim), nn.LayerNorm(dim))
        self.prompts = nn.Parameter(torch.empty(1, spec.prompts, dim).normal_(std=0.02)) if spec.prompts else None
        self.norm_self = nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, dim, spec.heads, spec.dropout)
        self.norm_ffn = nn.LayerNorm(dim)
        self.ffn = feed_forward(dim, spec.ffn_dim, spec.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.adapter(tokens.to(self.norm_ffn.weight.dtype))
        if self.prompts is not None:
            hidden = torch.cat([self.prompts.expand(hidden.shape[0], -1, -1), hidden], dim=1)
        normed = self.norm_self(hidden)
        hidden = hidden + self.attention(normed, normed)
        hidden = hidden + self.ffn(self.norm_ffn(hidden))
        if self.prompts is not None:
            hidden = hidden[:, : self.prompts.shape[1]]
        return hidden.mean(dim=1)


class ResemblyzerProjection(nn.Module):
    """FVMVC's choice: channel self-attention over the utterance embedding.

    Shape: embedding (B, token_dim) or (B, 1, token_dim) -> F_spk (B, dim).
    """

    def __init__(self, token_dim: int, dim: int) -> None:
        super().__init__()
        self.attention = ChannelAttention(token_dim, dim)

    def forward(self, embedding: Tensor) -> Tensor:
        if embedding.dim() == 3:
            embedding = embedding.mean(dim=1)
        return self.attention(embedding.to(self.attention.query.weight.dtype))


class Dvector(nn.Module):
    """The utterance embedding itself, nothing of it trained (Face2Speech).

    Shape: embedding (B, dim) or (B, 1, dim) -> F_spk (B, dim).
    """

    def forward(self, embedding: Tensor) -> Tensor:
        return embedding.mean(dim=1) if embedding.dim() == 3 else embedding


def speech_identity(spec: SpeechSpec, dim: int) -> nn.Module:
    """The branch that `spec.kind` names, of `dim` outputs."""
    if spec.kind == "clap_safpq":
        return ClapSafpq(spec, dim)
    return Dvector() if spec.kind == "dvector" else ResemblyzerProjection(spec.token_dim, dim)

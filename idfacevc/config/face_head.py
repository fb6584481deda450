"""Heads that turn face tokens into one identity vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SafpqSpec:
    """Face head of the paper: the Self-Adaptive Face-Prompted QFormer, Eqs. 1-3 (OPEN 6).

    Attributes:
        prompts: Learnable queries.
        dim: Width of F_query, and of every voice vector.
        heads, blocks, ffn_dim, dropout: Of its attention and feed-forward layers.
        fuse: How the prompts' answers become one vector.
        paper_equations_only: Without residuals, norms and dropout, as the equations are printed; with `heads` 1 the
            match is complete.
    """

    kind: Literal["safpq"] = "safpq"
    prompts: int = 32
    dim: int = 256
    heads: int = 4
    blocks: int = 1
    ffn_dim: int = 1024
    dropout: float = 0.1
    fuse: Literal["mean", "flatten"] = "mean"
    paper_equations_only: bool = False


@dataclass(frozen=True)
class ChannelAttentionSpec:
    """Face head of FVMVC: channel self-attention over the mean of the tokens."""

    kind: Literal["channel_attention"] = "channel_attention"
    dim: int = 256


@dataclass(frozen=True)
class ReparaSpec:
    """Face head of SP-FaceVC: a Gaussian latent, sampled in training."""

    kind: Literal["repara"] = "repara"
    dim: int = 256
    latent: int = 320


@dataclass(frozen=True)
class AttentionReparaSpec:
    """Face head of FaceVC: channel self-attention, then a Gaussian latent."""

    kind: Literal["attention_repara"] = "attention_repara"
    dim: int = 256
    latent: int = 320


@dataclass(frozen=True)
class MlpSpec:
    """Face head of two linear layers (Face2Speech)."""

    kind: Literal["mlp"] = "mlp"
    dim: int = 256
    ffn_dim: int = 1024


FaceHeadSpec = SafpqSpec | ChannelAttentionSpec | ReparaSpec | AttentionReparaSpec | MlpSpec

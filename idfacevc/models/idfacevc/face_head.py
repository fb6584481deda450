"""Face heads: tokens of a frozen backbone to the face identity F_query (`config.FaceHeadSpec`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from idfacevc.config.face_head import FaceHeadSpec
from idfacevc.models.idfacevc.safpq import Safpq
from idfacevc.nn.attention import ChannelAttention


class Reparametrised(nn.Module):
    """A linear layer onto a Gaussian, and one out of it; it is sampled in training, its mean is taken otherwise.

    Shape: (B, in_dim) -> (B, dim).
    """

    def __init__(self, in_dim: int, latent: int, dim: int) -> None:
        super().__init__()
        self.mean = nn.Linear(in_dim, latent)
        self.log_variance = nn.Linear(in_dim, latent)
        self.output = nn.Linear(latent, dim)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(x)
        if self.training:
            mean = mean + torch.randn_like(mean) * torch.exp(0.5 * self.log_variance(x))
        return self.output(mean)


class VectorHead(nn.Module):
    """Layers over the mean of the tokens, for backbones that give one vector a face.

    Shape: tokens (B, P, D) -> F_query (B, dim).
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, tokens: Tensor) -> Tensor:
        return self.layers(tokens.mean(dim=1))


def face_head(spec: FaceHeadSpec, token_dim: int) -> nn.Module:
    """The head that `spec.kind` names."""
    if spec.kind == "safpq":
        return Safpq(spec, token_dim)
    if spec.kind == "channel_attention":
        return VectorHead(ChannelAttention(token_dim, spec.dim))
    if spec.kind == "mlp":
        return VectorHead(
            nn.Sequential(nn.Linear(token_dim, spec.ffn_dim), nn.GELU(), nn.Linear(spec.ffn_dim, spec.dim))
        )
    repara = Reparametrised(token_dim, spec.latent, spec.dim)
    if spec.kind == "repara":
        return VectorHead(repara)
    return VectorHead(nn.Sequential(ChannelAttention(token_dim, token_dim), repara))

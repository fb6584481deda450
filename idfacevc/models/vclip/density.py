"""A mixture density network over speaker vectors (Bishop 1994; TacoSpawn's prior), with any condition.

It generates speakers of a gender and age group from labelled banks, without a pair of face and voice. That is another
method than Vclip's, which chooses among unconditional samples.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SMALLEST = 1e-3  # deviation


class MixtureDensity(nn.Module):
    """p(e | c): K Gaussians with diagonal covariances, whose weights, means and deviations are linear in c.

    Args:
        condition: length C of conditions.
        dim: length E of speaker vectors.
        components: K.
    """

    def __init__(self, condition: int, dim: int, components: int = 10) -> None:
        super().__init__()
        self.shape = (components, dim)
        self.weights = nn.Linear(condition, components, bias=False)
        self.means = nn.Linear(condition, components * dim)
        self.deviations = nn.Linear(condition, components * dim, bias=False)

    def parameters_of(self, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights (B, K), means and deviations (B, K, E) for conditions (B, C)."""
        means, raw = (layer(condition).unflatten(1, self.shape) for layer in (self.means, self.deviations))
        return self.weights(condition).log_softmax(dim=1), means, F.softplus(raw) + _SMALLEST

    def log_prob(self, vectors: Tensor, condition: Tensor) -> Tensor:
        """Log density (B,) of speaker vectors (B, E) under conditions (B, C)."""
        log_weights, means, deviations = self.parameters_of(condition)
        squares = ((vectors[:, None] - means) / deviations).square() + 2 * deviations.log() + math.log(2 * math.pi)
        return (log_weights - squares.sum(dim=2) / 2).logsumexp(dim=1)

    def loss(self, vectors: Tensor, condition: Tensor) -> Tensor:
        """Mean negative log density; the vectors, which may be another model's table, receive no gradient."""
        return -self.log_prob(vectors.detach(), condition).mean()

    @torch.no_grad()
    def sample(self, condition: Tensor, seed: int = 0) -> Tensor:
        """One speaker vector (B, E) for each condition (B, C); equal seeds give equal samples."""
        generator = torch.Generator().manual_seed(seed)
        log_weights, means, deviations = self.parameters_of(condition)
        chosen = torch.multinomial(log_weights.exp(), 1, generator=generator)[:, 0]
        rows = torch.arange(len(condition))
        noise = torch.randn(len(condition), self.shape[1], generator=generator)
        return means[rows, chosen] + deviations[rows, chosen] * noise

"""What the association heads read of a face."""

from __future__ import annotations

import torch
from torch import Tensor

from idfacevc.backbones.tower import AGE_BINS, GENDERS, FaceTower


def face_dim(tower: FaceTower) -> int:
    """Length of the features."""
    return tower.dim + len(GENDERS) + len(AGE_BINS)


@torch.no_grad()
def face_features(tower: FaceTower, tokens: Tensor) -> Tensor:
    """Pooled tokens, and the log-probabilities of gender and age bin. Shape: (B, P, D) -> (B, D + 11)."""
    gender, age = tower.attributes(tokens)
    return torch.cat([tokens.mean(dim=1), gender.log_softmax(dim=1), age.log_softmax(dim=1)], dim=1)

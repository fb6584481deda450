"""Least-squares adversarial losses (Mao et al. 2017; arXiv 1910.11480, Eqs. 2 and 3) and feature matching."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(made: Tensor, target: float = 1.0) -> Tensor:
    """Mean squared distance of the scores of what was made, of any shape, from what a recording is to score."""
    return (made.float() - target).square().mean()


def discriminator_loss(real: Tensor, made: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """The same distance of the scores of recordings, and that of the scores of what was made from 0."""
    return (real.float() - target).square().mean(), made.float().square().mean()


def feature_matching_loss(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """Mean absolute difference of a discriminator's maps, averaged over layers; `real` counts as constant."""
    pairs = zip(real, made, strict=True)
    return torch.stack([F.l1_loss(ours.float(), theirs.detach().float()) for theirs, ours in pairs]).mean()

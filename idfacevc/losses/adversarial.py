"""Least-squares adversarial losses (Mao et al. 2017) and feature matching, on the maps that a discriminator returns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: list[Tensor], made: list[Tensor], target: float = 1.0) -> Tensor:
    """Half the squared distance of the scores (the last maps) from `target` for recordings and from 0 for made mels."""
    return 0.5 * ((real[-1].float() - target).square().mean() + made[-1].float().square().mean())


def generator_loss(made: list[Tensor], target: float = 1.0) -> Tensor:
    """Half the squared distance of the scores of made mels from what a recording gets."""
    return 0.5 * (made[-1].float() - target).square().mean()


def feature_matching_loss(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """Mean absolute difference of the maps before the scores, averaged over layers; `real` counts as constant."""
    pairs = zip(real[:-1], made[:-1], strict=True)
    return torch.stack([F.l1_loss(ours.float(), theirs.detach().float()) for theirs, ours in pairs]).mean()

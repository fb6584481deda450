"""Mel reconstruction before and after the postnet (Eq. 7)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from idfacevc.losses.term import LossTerm, Step


def reconstruction_loss(pre: Tensor, post: Tensor, target: Tensor, l2: float = 1.0, l1: float = 0.0) -> Tensor:
    """Mean squared error, and mean absolute error where `l1` > 0 (OPEN 13), of both mels.

    Shape: three of (B, M, T), the target cut to the mels' length -> ().
    """
    target = target[..., : pre.shape[-1]]
    loss = l2 * (F.mse_loss(pre, target) + F.mse_loss(post, target))
    return loss + l1 * (F.l1_loss(pre, target) + F.l1_loss(post, target)) if l1 else loss


class ReconstructionLoss(LossTerm):
    """L_rec of Eq. 7 between decoded mels and the recordings.

    Args:
        weight: Factor of the term.
        l2, l1: Factors of the squared and of the absolute error (OPEN 13).
    """

    reads = ("pre", "post")

    def __init__(self, weight: float = 1.0, l2: float = 1.0, l1: float = 0.0) -> None:
        super().__init__(weight)
        self.l2, self.l1 = l2, l1

    def forward(self, step: Step) -> Tensor:
        return reconstruction_loss(step.pre, step.post, step.mel, self.l2, self.l1)

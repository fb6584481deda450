"""Inter-speaker supervision: a face's voice is to sound as the teacher's voice of the same clip's speech (FVMVC)."""

from __future__ import annotations

from torch import Tensor

from idfacevc.losses.reconstruction import reconstruction_loss
from idfacevc.losses.term import LossTerm, Step


class InterSpeakerLoss(LossTerm):
    """L_inter, the third term of L_F: squared and absolute error of both mels against the teacher's refined one.

    Args:
        weight: Factor of the term.
    """

    reads = ("inter_pre", "inter_post", "inter_target")

    def __init__(self, weight: float = 0.2) -> None:
        super().__init__(weight)

    def forward(self, step: Step) -> Tensor:
        return reconstruction_loss(step.inter_pre, step.inter_post, step.inter_target, l2=1.0, l1=1.0)

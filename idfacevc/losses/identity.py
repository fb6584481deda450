"""Identity losses: which training speaker is it? (Eq. 5)"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.model import ModelSpec
from idfacevc.losses.term import LossTerm, Step


def identity_loss(logits: Tensor, speaker: Tensor) -> Tensor:
    """Cross-entropy over the clips whose speaker is known (speaker >= 0); 0 where none is.

    Shape: (B, C), (B,) -> ().
    """
    known = speaker >= 0
    if not known.any():
        return logits.sum() * 0
    return F.cross_entropy(logits[known].float(), speaker[known])


class _IdentityLoss(LossTerm):
    """One linear classifier over the training speakers (OPEN 7), which goes with the training.

    Args:
        weight: Factor of the term.
    """

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)

    def build(self, model: ModelSpec, speakers: int) -> None:
        self.classifier = nn.Linear(model.face_head.dim, speakers)

    def forward(self, step: Step) -> Tensor:
        return identity_loss(self.classifier(getattr(step, self.reads[0])), step.speaker)


class FaceIdentityLoss(_IdentityLoss):
    """L_id-f: the classifier reads F_query. Its weight is lambda_3 of Eq. 8."""

    reads = ("face_identity",)


class SpeechIdentityLoss(_IdentityLoss):
    """L_id-s: the classifier reads F_spk. Its weight is lambda_4 of Eq. 8."""

    reads = ("speech_identity",)

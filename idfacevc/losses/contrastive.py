"""Face-to-speech contrastive loss with several positives (Eq. 4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.losses.term import LossTerm, Step
from idfacevc.nn import distributed


def contrastive_loss(
    face: Tensor,
    speech: Tensor,
    speaker: Tensor,
    temperature: float = 0.07,
    symmetric: bool = False,
    normalise_positives: bool = False,
) -> Tensor:
    """-(1/N) sum_i sum_j y_ij log softmax_k(cos(face_i, speech_k) / temperature)_j, y_ij = 1 for one speaker (Eq. 4).

    A row with P positives cannot go below P ln P; see `contrastive_floor`.

    Args:
        face, speech: (B, D), of any length.
        speaker: (B,) integer identity.
        symmetric: average with the speech-to-face direction.
        normalise_positives: divide each row by its number of positives.
    """
    logits = F.normalize(face.float(), dim=-1) @ F.normalize(speech.float(), dim=-1).T / temperature
    positive = (speaker[:, None] == speaker[None, :]).to(logits.dtype)

    def one_way(scores: Tensor) -> Tensor:
        rows = -(positive * torch.log_softmax(scores, dim=1)).sum(dim=1)
        return (rows / positive.sum(dim=1) if normalise_positives else rows).mean()

    return (one_way(logits) + one_way(logits.T)) / 2 if symmetric else one_way(logits)


def contrastive_floor(speaker: Tensor) -> Tensor:
    """The smallest value that the plain sum of Eq. 4 can take for these speakers (B,): mean of P ln P."""
    positives = (speaker[:, None] == speaker[None, :]).sum(dim=1).float()
    return (positives * torch.log(positives)).mean()


class ContrastiveLoss(LossTerm):
    """L_con of Eq. 4 between F_query and F_spk; similarity, temperature and direction are OPEN 12.

    Args:
        weight: Factor of the term, lambda_1 of Eq. 8.
        temperature: Divisor of the cosines.
        symmetric, normalise_positives: As in `contrastive_loss`.
        gather: Negatives come from the batches of all processes that train together, as if they were one batch.
    """

    reads = ("face_identity", "speech_identity")

    def __init__(
        self,
        weight: float = 0.1,
        temperature: float = 0.07,
        symmetric: bool = False,
        normalise_positives: bool = False,
        gather: bool = False,
    ) -> None:
        super().__init__(weight)
        self.temperature, self.symmetric, self.normalise_positives = temperature, symmetric, normalise_positives
        self.gather = gather

    def forward(self, step: Step) -> Tensor:
        face, speech, speaker = step.face_identity, step.speech_identity, step.speaker
        if self.gather:
            face, speech, speaker = (distributed.gather(one) for one in (face, speech, speaker))
        step.logs["contrastive_floor"] = contrastive_floor(speaker)
        return contrastive_loss(face, speech, speaker, self.temperature, self.symmetric, self.normalise_positives)

"""Generalised end-to-end losses (Wan et al. 2018): a vector is to be nearest to the centroid of its own speaker."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.losses.term import LossTerm, Step

_SCALE = 10.0  # the usual start of GE2E's w; its b has no effect in a softmax


def ge2e(vectors: Tensor, speaker: Tensor) -> Tensor:
    """The softmax form on vectors (B, D) of one kind, which count into every centroid but the one they are held to.

    Speakers (B,) with a single vector are only there to be told apart from; 0 where no speaker has two.
    """
    vectors = F.normalize(vectors.float(), dim=1)
    members = _members(speaker, vectors.dtype)
    count = members.sum(dim=0)
    sums = members.T @ vectors
    logits = _SCALE * vectors @ F.normalize(sums, dim=1).T
    rest = F.normalize(members @ sums - vectors, dim=1)  # of the own speaker, without the vector itself
    logits = torch.where(members.bool(), _SCALE * (vectors * rest).sum(dim=1, keepdim=True), logits)
    several = (members @ count) > 1
    if not several.any():
        return vectors.sum() * 0
    return F.cross_entropy(logits[several], members.argmax(dim=1)[several])


def supervised_ge2e(face: Tensor, speech: Tensor, speaker: Tensor) -> Tensor:
    """Face2Speech: faces (B, D) are held to the centroids of their speakers' (B,) speech vectors (B, D)."""
    members = _members(speaker, torch.float32)
    centroids = F.normalize(members.T @ F.normalize(speech.float(), dim=1), dim=1)
    return F.cross_entropy(_SCALE * F.normalize(face.float(), dim=1) @ centroids.T, members.argmax(dim=1))


def _members(speaker: Tensor, dtype: torch.dtype) -> Tensor:
    """One-hot rows (B, S) over the S speakers that are present."""
    _, index = speaker.unique(return_inverse=True)
    return F.one_hot(index).to(dtype)


class GE2ELoss(LossTerm):
    """`ge2e` of the face identities of a batch (FaceVC, first stage).

    Args:
        weight: Factor of the term.
    """

    reads = ("face_identity",)

    def __init__(self, weight: float = 0.05) -> None:
        super().__init__(weight)

    def forward(self, step: Step) -> Tensor:
        return ge2e(step.face_identity, step.speaker)

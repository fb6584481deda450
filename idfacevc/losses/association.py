"""Losses between two modalities: Vclip's Eq. 1, with the sign and temperature that it lacks, and mined negatives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def association_loss(voice: Tensor, face: Tensor, scale: Tensor | float, identity: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of finding the partner among the batch, in both directions.

    Args:
        voice, face: (N, D) of matching pairs, of any length.
        scale: Factor of the cosines, the inverse temperature.
        identity: (N,) integers; two pairs of one identity are no negatives of each other.
    """
    logits = scale * F.normalize(voice, dim=1) @ F.normalize(face, dim=1).T
    if identity is not None:
        same = identity[:, None] == identity
        logits = logits.masked_fill(same & ~torch.eye(len(logits), dtype=torch.bool), -torch.inf)
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def mined_loss(
    voice: Tensor, face: Tensor, hardness: float, identity: Tensor | None = None, margin: float = 0.6
) -> Tensor:
    """Contrastive loss on distances of unit vectors with one mined negative a voice (Learnable PINs, section 3.2).

    Faces of others are sorted from the farthest to the nearest; the one at the share `hardness` of that order is the
    negative, or the last one before the voice's own face where that comes sooner.

    Args:
        voice, face: (N, D) of matching pairs, of any length.
        hardness: from 0, the easiest, to 1.
        identity: (N,) integers; two pairs of one identity are no negatives of each other.
        margin: distance from which on a negative costs nothing.
    """
    distance = torch.cdist(F.normalize(voice, dim=1), F.normalize(face, dim=1))
    own = distance.diagonal()
    other = ~torch.eye(len(distance), dtype=torch.bool) if identity is None else identity[:, None] != identity
    order = torch.where(other, distance, -torch.inf).sort(dim=1, descending=True)
    count = other.sum(dim=1)
    easier = (order.values > own[:, None]).sum(dim=1)
    place = torch.minimum((hardness * (count - 1)).long(), easier - 1).clamp(min=0)
    mined = distance.gather(1, order.indices.gather(1, place[:, None]))[:, 0]
    push = torch.where(count > 0, (margin - mined).clamp(min=0), 0.0)
    return (own.square() + push.square()).mean() / 2

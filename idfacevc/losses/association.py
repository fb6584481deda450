"""Symmetric contrastive loss between two modalities (Vclip, Eq. 1, with the sign and the temperature that it lacks)."""

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

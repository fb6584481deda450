"""Losses of the face-voice memory (FVMVC)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def recall_loss(e_s: Tensor, recalled: Tensor) -> Tensor:
    """Mean squared error of the speech vector (B, D) and what the memory makes of it."""
    return F.mse_loss(recalled, e_s)


def address_loss(log_speech: Tensor, log_face: Tensor) -> Tensor:
    """KL(speech address || face address), mean over the batch; gradients go to both. Shape: two of (B, S) -> ()."""
    return F.kl_div(log_face, log_speech, reduction="batchmean", log_target=True)

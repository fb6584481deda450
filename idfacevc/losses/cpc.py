"""Contrastive predictive coding of the content codes, negatives from the same utterance (VQMIVC)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.model import ContentSpec


class CpcResult(NamedTuple):
    """Loss () and accuracy of each step (K,)."""

    loss: Tensor
    accuracy: Tensor


class CPC(nn.Module):
    """Context network and one linear predictor a step.

    Shape: z (B, L, D) with L > cpc_steps + 1 -> `CpcResult`.
    """

    def __init__(self, spec: ContentSpec) -> None:
        super().__init__()
        self.negatives = spec.negatives
        self.rnn = nn.LSTM(spec.dim, spec.context, batch_first=True)
        self.predictors = nn.ModuleList(nn.Linear(spec.context, spec.dim) for _ in range(spec.cpc_steps))

    def forward(self, z: Tensor) -> CpcResult:
        context, _ = self.rnn(z)
        batch, frames, dim = z.shape
        length = frames - len(self.predictors)
        losses, accuracies = [], []
        for step, predictor in enumerate(self.predictors, start=1):
            prediction = predictor(context[:, :length])
            target = z[:, step : step + length]
            # every position is scored against every other, and the few that are drawn are picked: this is quicker than
            # to gather the vectors
            every = prediction @ target.transpose(1, 2) / dim**0.5
            positive = every.diagonal(dim1=1, dim2=2)[:, :, None]
            scores = torch.cat([positive, every.gather(2, self.draw(batch, length, z.device))], dim=2)
            labels = torch.zeros(batch * length, dtype=torch.long, device=z.device)
            losses.append(F.cross_entropy(scores.flatten(0, 1).float(), labels))
            accuracies.append((scores.argmax(-1) == 0).float().mean())
        return CpcResult(torch.stack(losses).mean(), torch.stack(accuracies))

    def draw(self, batch: int, length: int, device: torch.device) -> Tensor:
        """Positions of the negatives (B, length, negatives), uniform over all positions but the positive's own."""
        offset = torch.randint(1, length, (batch, length, self.negatives), device=device)
        return (torch.arange(length, device=device)[None, :, None] + offset) % length

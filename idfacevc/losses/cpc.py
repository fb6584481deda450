"""Contrastive predictive coding of the content codes, negatives from the same utterance (VQMIVC)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.model import ModelSpec
from idfacevc.losses.term import LossTerm, Step


class CpcResult(NamedTuple):
    """Loss () and accuracy of each step (K,)."""

    loss: Tensor
    accuracy: Tensor


class CPC(nn.Module):
    """Context network and one linear predictor a step.

    Args:
        dim: Width of the codes.
        context: Width of the recurrent network.
        steps: Prediction horizon in codes.
        negatives: Other codes of the same utterance that a prediction is compared with.

    Shape: z (B, L, D) with L > steps + 1 -> `CpcResult`.
    """

    def __init__(self, dim: int, context: int = 256, steps: int = 6, negatives: int = 10) -> None:
        super().__init__()
        self.negatives = negatives
        self.rnn = nn.LSTM(dim, context, batch_first=True)
        self.predictors = nn.ModuleList(nn.Linear(context, dim) for _ in range(steps))

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


class PredictiveCodingLoss(LossTerm):
    """CPC of the content codes, with VQMIVC's sizes (OPEN 14).

    Args:
        weight: Factor of the term.
        context, steps, negatives: As in `CPC`.
    """

    reads = ("z",)

    def __init__(self, weight: float = 1.0, context: int = 256, steps: int = 6, negatives: int = 10) -> None:
        super().__init__(weight)
        self.context, self.steps, self.negatives = context, steps, negatives

    def build(self, model: ModelSpec, speakers: int) -> None:
        self.cpc = CPC(model.content.dim, self.context, self.steps, self.negatives)

    def forward(self, step: Step) -> Tensor:
        result = self.cpc(step.z)
        step.logs["predictive_coding_accuracy"] = result.accuracy.mean()
        return result.loss

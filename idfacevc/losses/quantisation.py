"""Commitment of the content encoder's outputs to their codes (VQ-VAE, arXiv 1711.00937, Eq. 3, third term)."""

from __future__ import annotations

from torch import Tensor

from idfacevc.losses.term import LossTerm, Step


class VectorQuantisationLoss(LossTerm):
    """The quantiser's commitment loss (OPEN 14); its codebook follows by moving averages, without a gradient.

    Args:
        weight: Factor of the term.
    """

    reads = ("commitment",)

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight)

    def forward(self, step: Step) -> Tensor:
        step.logs["perplexity"] = step.perplexity
        return step.commitment

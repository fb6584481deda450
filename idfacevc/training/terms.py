"""Further terms of a stage's loss, which a recipe adds by the `class_path` of its own class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn


class Conversion(NamedTuple):
    """A decoded mel with what it was made of.

    Attributes:
        mel: (B, M, T), normalised, as `source` is.
        source: mel (B, M, T) whose words it is to say.
        speech: speaker features (B, P, D) of the voice that it is to have.
    """

    mel: Tensor
    source: Tensor
    speech: Tensor


class ConversionTerm(nn.Module):
    """A loss of conversions, for which there is no recording to compare with.

    Args:
        name: Name of the term in the logs.
        weight: Factor of the term in the stage's loss.
    """

    def __init__(self, name: str, weight: float) -> None:
        super().__init__()
        self.name, self.weight = name, weight

    def forward(self, conversion: Conversion) -> Tensor:
        """The loss () of one batch of conversions."""
        raise NotImplementedError


def further_loss(terms: Sequence[nn.Module], conversions: Sequence[Conversion], logs: dict[str, Tensor]) -> Tensor:
    """Weighted sum () of the terms, each the mean over the conversions, which also goes into `logs`."""
    total = conversions[0].mel.new_zeros(())
    for term in terms:
        assert isinstance(term, ConversionTerm)
        value = sum(map(term, conversions), start=total.new_zeros(())) / len(conversions)
        logs[term.name] = value
        total = total + term.weight * value
    return total

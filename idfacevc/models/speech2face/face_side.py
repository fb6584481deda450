"""The face side of Speech2Face where the face network is the demo's tower: its features, and what it reads in them."""

from __future__ import annotations

import torch
from torch import Tensor

from idfacevc.backbones.tower import AGE_BINS, GENDERS, FaceTower


def feature_of(tokens: Tensor) -> Tensor:
    """The face feature of tokens, their mean: the tower's penultimate layer. Shape: (..., P, D) -> (..., D)."""
    return tokens.mean(dim=-2)


class TowerClasses:
    """The tower's last layers, fixed, as one classifier of gender and age together.

    Its logits are sums of a gender's and an age bin's, so that the softmax is the product of the two distributions.
    Shape: (B, D) -> (B, 18).
    """

    def __init__(self, tower: FaceTower) -> None:
        self.tower = tower.eval().requires_grad_(False)

    def __call__(self, features: Tensor) -> Tensor:
        gender, age = self.tower.attributes(features[:, None])
        return (gender[:, :, None] + age[:, None]).flatten(1)


@torch.no_grad()
def read_out(tower: FaceTower, features: Tensor) -> tuple[list[str], list[int]]:
    """Gender and number of the age bin that the tower's last layers read in features (B, D)."""
    gender, age = tower.attributes(features[:, None])
    return [GENDERS[index] for index in gender.argmax(dim=1)], age.argmax(dim=1).tolist()


def bins_of(age: str) -> tuple[str, ...]:
    """The age bins that a clip's age, in years or a bin, may stand for; a grown-up's where it is not known."""
    if age in AGE_BINS:
        return (age,)
    if not age:
        return AGE_BINS[3:7]
    years, ends = float(age), (3, 10, 20, 30, 40, 50, 60, 70)
    return (AGE_BINS[sum(years >= end for end in ends)],)

"""Which voice a face is given where no clip holds both: within gender and age group, by a map from faces to speakers.

Nothing in a face says which of the plausible voices is its own. So that training does not answer with their mean, each
face is assigned one speaker by a fixed function of its tokens: one person keeps one voice, near faces get near voices,
a group has its faces' share of the voices, and every speaker of a group gets an equal share of the group's faces
(semi-discrete optimal transport between the two whitened spaces).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from idfacevc.errors import InputError

CHILD_BINS = ("0-2", "3-9")
YOUNG_BINS = ("10-19",)
DIRECTIONS = 4
VOICES = 36  # in all: of more, two photos of one person too often find two
FEWEST = 3  # of a group
_TENSORS = ("mean", "projection", "sites", "weights")
RELIABLE = 4.0  # a direction is used where people vary this many times as much as photos of one person


def age_group(age: str) -> str:
    """The group "child" (under 10), "young" (10 to 19) or "adult" of an age bin or of years as text; "" is adult."""
    if age in CHILD_BINS:
        return "child"
    if age in YOUNG_BINS:
        return "young"
    years = float(age) if age.replace(".", "", 1).isdigit() else 20.0
    return "child" if years < 10 else "young" if years < 20 else "adult"


def group_of(gender: str, age: str) -> str:
    """Name of the group that a face and its voice share, such as "f-adult"."""
    return f"{gender}-{age_group(age)}"


def stable_directions(views: Tensor, count: int = DIRECTIONS) -> tuple[Tensor, Tensor]:
    """Directions in which faces differ most, measured against how views of one face differ (linear discriminants).

    Only reliable ones are kept, up to `count` and at least one.

    Shape: pooled tokens (faces, views, D) -> mean (D,), projection (D, d <= count) with unit variance over faces.
    """
    views = views.double()
    centres = views.mean(dim=1)
    mean = centres.mean(dim=0)
    within = (views - centres[:, None]).flatten(0, 1)
    covariance = within.T @ within / len(within)
    covariance += torch.eye(len(covariance), dtype=torch.float64) * covariance.diagonal().mean() * 0.1
    values, vectors = torch.linalg.eigh(covariance)
    whiten = vectors * values.rsqrt()
    _, strength, axes = torch.linalg.svd((centres - mean) @ whiten, full_matrices=False)
    reliable = int((strength**2 / len(centres) > RELIABLE).sum())
    projection = whiten @ axes[: min(count, max(1, reliable))].T
    scale = ((centres - mean) @ projection).std(dim=0)
    return mean.float(), (projection / scale).float()


def principal_directions(vectors: Tensor, count: int) -> Tensor:
    """Whitened coordinates (n, count) of vectors (n, D) along their principal axes; missing axes are zeros."""
    centred = (vectors - vectors.mean(dim=0)).double()
    left, values, _ = torch.linalg.svd(centred, full_matrices=False)
    rank = min(count, int((values > 1e-6).sum()))
    out = torch.zeros(len(vectors), count, dtype=torch.float64)
    out[:, :rank] = left[:, :rank] * max(1, len(vectors) - 1) ** 0.5
    return out.float()


def representatives(vectors: Tensor, count: int) -> list[int]:
    """Indices of at most `count` vectors (n, D), each the nearest to a centre of k-means; all where n is not more."""
    if len(vectors) <= count:
        return list(range(len(vectors)))
    centres = vectors[torch.linspace(0, len(vectors) - 1, count).long()].clone()
    for _ in range(50):
        nearest = torch.cdist(vectors, centres).argmin(dim=1)
        for index in nearest.unique():
            centres[index] = vectors[nearest == index].mean(dim=0)
    return sorted(set(torch.cdist(centres, vectors).argmin(dim=1).tolist()))


def balance(points: Tensor, sites: Tensor, rounds: int = 500) -> Tensor:
    """Weights (S,) that give each site an equal share of points, where point x goes to argmin |x - site|^2 - weight.

    Gradient ascent on the dual of semi-discrete optimal transport. Shape: points (n, d), sites (S, d).
    """
    cost = torch.cdist(points, sites) ** 2
    weights = torch.zeros(len(sites))
    for round_ in range(rounds):
        share = torch.bincount((cost - weights).argmin(dim=1), minlength=len(sites)) / len(points)
        weights += (1 / len(sites) - share) * len(sites) * 0.5 / (1 + round_ / 50)
    return weights


@dataclass(frozen=True)
class GroupMap:
    """The map of one group: faces' mean (D,) and projection (D, d), speakers' sites (S, d) with weights (S,)."""

    mean: Tensor
    projection: Tensor
    sites: Tensor
    weights: Tensor
    speakers: tuple[str, ...]

    def assign(self, pooled: Tensor) -> list[str]:
        """Speaker of each face, from its pooled tokens (n, D)."""
        cost = torch.cdist((pooled - self.mean) @ self.projection, self.sites) ** 2 - self.weights
        return [self.speakers[index] for index in cost.argmin(dim=1)]


class Pairing:
    """The maps of all groups."""

    def __init__(self, groups: dict[str, GroupMap]) -> None:
        self.groups = groups

    @classmethod
    def fit(cls, faces: dict[str, Tensor], voices: dict[str, dict[str, Tensor]]) -> Pairing:
        """Fit from faces {group: (n, views, D) pooled tokens} and voices {group: {speaker: (D',) mean embedding}}."""
        groups = {}
        total = sum(map(len, faces.values()))
        for group, views in faces.items():
            if not voices.get(group):
                continue
            names = sorted(voices[group])
            # drawing speakers evenly then draws faces as they occur, and a face in doubt goes to the larger group
            count = max(FEWEST, round(VOICES * len(views) / total))
            kept = representatives(torch.stack([voices[group][name] for name in names]), count)
            speakers = tuple(names[index] for index in kept)
            mean, projection = stable_directions(views)
            sites = principal_directions(torch.stack([voices[group][name] for name in speakers]), projection.shape[1])
            points = (views[:, 0] - mean) @ projection
            groups[group] = GroupMap(mean, projection, sites, balance(points, sites), speakers)
        if not groups:
            raise InputError("no gender and age group has both faces and speakers with enough speech to pair")
        return cls(groups)

    def assign(self, pooled: Tensor, group: str) -> list[str]:
        """Speaker of each face of a group; pooled tokens (n, D), the mean over the tokens of the plain view."""
        return self.groups[group].assign(pooled)

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {}
        for group, item in self.groups.items():
            for name in _TENSORS:
                tensors[f"{group}/{name}"] = getattr(item, name).contiguous()
        metadata = {group: json.dumps(item.speakers) for group, item in self.groups.items()}
        temporary = path.with_suffix(".partial")
        save_file(tensors, temporary, metadata)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> Pairing:
        """Read what `save` wrote."""
        with safe_open(path, framework="pt") as handle:
            groups = {
                group: GroupMap(
                    speakers=tuple(json.loads(speakers)),
                    **{name: handle.get_tensor(f"{group}/{name}") for name in _TENSORS},
                )
                for group, speakers in handle.metadata().items()
            }
        return cls(groups)

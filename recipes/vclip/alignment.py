"""Which voices a face is paired with where no clip holds both: within a gender, by a fixed order of faces and voices.

Nobody can tell from a face which of the fitting voices is its own. So that one person keeps one voice and two people
differ, faces and voices are laid along a few axes, and a face is paired with the voices at its place. The first axis is
age on both sides. The others mean nothing: on the face's side they are the directions in which people differ most,
measured against pictures of one person; on the voices' side those in which voices differ most.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import norm, rankdata

from idfacevc.backbones.tower import AGE_BINS
from recipes.demo.pairing import principal_directions, stable_directions

_YEARS = np.array([1, 6, 15, 25, 35, 45, 55, 65, 75])  # of each age bin


def normal_scores(points: np.ndarray) -> np.ndarray:
    """Each column of (n, d) by its ranks, as the quantiles of a normal distribution."""
    return norm.ppf((rankdata(points, axis=0) - 0.5) / len(points))


def without(points: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """What of points (n, d) a line through an axis (n,) does not explain."""
    centred = axis - axis.mean()
    slope = centred @ (points - points.mean(axis=0)) / (centred @ centred)
    return points - centred[:, None] * slope


def face_years(features: np.ndarray) -> np.ndarray:
    """Age (...) that the tower expects of face features (..., D)."""
    return np.exp(features[..., -len(AGE_BINS) :]) @ _YEARS


def face_places(views: np.ndarray, axes: int) -> np.ndarray:
    """Places (n, d <= axes) of faces of one gender by their features (n, views, D)."""
    years = face_years(views).mean(axis=1)
    mean, projection = stable_directions(torch.from_numpy(views), axes - 1)
    rest = (views.mean(axis=1) - mean.numpy()) @ projection.numpy()
    return normal_scores(np.column_stack([years, without(rest, years)]))


def voice_places(sound: np.ndarray, years: np.ndarray, axes: int) -> np.ndarray:
    """Places (n, axes) of voices of one gender by their sound (n, V) and the age (n,) that is heard in it."""
    rest = principal_directions(torch.from_numpy(without(sound, years)), axes - 1).numpy()
    return normal_scores(np.column_stack([years, rest]))


def partners(faces: np.ndarray, voices: np.ndarray, count: int) -> np.ndarray:
    """Indices (n, count) of the voices (m, d) that lie nearest to each face (n, d)."""
    gaps = np.square(faces).sum(axis=1)[:, None] + np.square(voices).sum(axis=1) - 2 * faces @ voices.T
    return np.argsort(gaps, axis=1)[:, :count]

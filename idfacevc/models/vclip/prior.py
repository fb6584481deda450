"""Speaker generation: a diagonal Gaussian mixture over the principal components of speaker vectors (paper: 3.2).

The mixture does not see the face; the face chooses among its samples (`idfacevc.models.vclip.retrieval`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from idfacevc.errors import InputError

COMPONENTS = (1, 2, 5, 12, 25, 50, 100)
_RESTARTS, _STEPS = 5, 100
_GAIN = 1e-4  # mean log-likelihood of a step under which a run ends
_FLOOR = 1e-6  # smallest variance of a component, as a share of the mean variance


@dataclass(frozen=True)
class Mixture:
    """p(e): a mixture of K Gaussians with diagonal covariances over R principal components of E numbers.

    Attributes:
        mean: (E,) of the vectors.
        basis: (E, R) orthonormal columns.
        weights: (K,) positive, sum 1.
        means: (K, R).
        variances: (K, R) positive.
    """

    mean: np.ndarray
    basis: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray, components: int | None = None, variance: float = 0.99, seed: int = 0) -> Mixture:
        """A mixture of speaker vectors (n, E), by expectation maximisation from k-means++ starts.

        Args:
            components: K; None for the number of `COMPONENTS` with the highest likelihood of a held-out tenth.
            variance: Share of the variance that the components keep.
        """
        vectors = np.asarray(vectors, np.float64)
        if len(vectors) < 3:
            raise InputError(f"a prior over speakers needs at least 3 voices, not {len(vectors)}")
        mean, basis = principal_components(vectors, variance)
        projected = (vectors - mean) @ basis
        rng = np.random.default_rng(seed)
        number = components or best_components(projected, rng)
        return cls(mean, basis, *_maximise(projected, number, rng))

    @classmethod
    def of_groups(cls, groups: Sequence[np.ndarray], variance: float = 0.99, seed: int = 0) -> Mixture:
        """One mixture whose components belong to groups of vectors (n, E) each, all groups being equally likely.

        Groups that lie apart, such as women and men, have nothing between them that a component should cover.
        """
        mean, basis = principal_components(np.concatenate(groups), variance)
        rng = np.random.default_rng(seed)
        parts = []
        for group in groups:
            projected = (group - mean) @ basis
            parts.append(_maximise(projected, best_components(projected, rng), rng))
        weights, means, variances = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return cls(mean, basis, weights / len(groups), means, variances)

    def log_prob(self, vectors: np.ndarray) -> np.ndarray:
        """Log density (n,) of vectors (n, E), within the principal components."""
        return _logsumexp(_joint((vectors - self.mean) @ self.basis, self.weights, self.means, self.variances))

    def sample(self, number: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
        """`number` new vectors (n, E); equal seeds give equal samples.

        Args:
            temperature: Factor of the deviation; 0 gives the components' means.
        """
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.weights), number, p=self.weights / self.weights.sum())
        noise = rng.standard_normal((number, self.means.shape[1]))
        return self.mean + (self.means[chosen] + temperature * np.sqrt(self.variances[chosen]) * noise) @ self.basis.T

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays by name, float32."""
        return {field.name: np.asarray(getattr(self, field.name), np.float32) for field in fields(self)}


def principal_components(vectors: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean (E,) and basis (E, R) of vectors (n, E), R the smallest that keeps a share of the variance."""
    mean = vectors.mean(axis=0)
    _, singular, rows = np.linalg.svd(vectors - mean, full_matrices=False)
    share = np.cumsum(singular**2) / np.square(singular).sum()
    return mean, rows[: int(np.searchsorted(share, variance)) + 1].T


def best_components(projected: np.ndarray, rng: np.random.Generator) -> int:
    """The number of components under which a held-out tenth of the points (n, R) is likeliest, in ten folds."""
    folds = np.array_split(rng.permutation(len(projected)), min(10, len(projected)))
    scores = {}
    for number in [number for number in COMPONENTS if 4 * number <= len(projected)] or [1]:
        held = []
        for fold in folds:
            rest = np.delete(projected, fold, axis=0)
            held.append(_logsumexp(_joint(projected[fold], *_maximise(rest, number, rng, restarts=1))))
        scores[number] = float(np.concatenate(held).mean())
    return max(scores, key=lambda number: scores[number])


def nearest_distances(vectors: np.ndarray, bank: np.ndarray, itself: bool = False) -> np.ndarray:
    """Distance (n,) of each vector to the nearest of a bank (m, E).

    Args:
        itself: The vectors are the bank; each one's distance to itself is left out.
    """
    squares = np.square(vectors).sum(axis=1)[:, None] + np.square(bank).sum(axis=1) - 2 * vectors @ bank.T
    if itself:
        np.fill_diagonal(squares, np.inf)
    return np.sqrt(np.maximum(squares.min(axis=1), 0))


def nobody(vectors: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """The vectors (n, E) that are no copy of a voice of the bank (m, E)."""
    return vectors[is_nobodys(vectors, bank)]


def is_nobodys(vectors: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Whether each vector (n, E) is far enough from every voice of the bank (m, E).

    Refused is what lies nearer to a voice than the 1 % quantile of the distances between neighbours in the bank.
    """
    limit = np.quantile(nearest_distances(bank, bank, True), 0.01)
    return nearest_distances(vectors, bank) >= limit


def _joint(points: np.ndarray, weights: np.ndarray, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """log(weight x density) (n, K) of points (n, R)."""
    precision = 1 / variances
    quadratic = np.square(points) @ precision.T - 2 * points @ (means * precision).T
    constant = (np.square(means) * precision + np.log(variances) + math.log(2 * math.pi)).sum(axis=1)
    return np.log(weights) - 0.5 * (quadratic + constant)


def _logsumexp(logs: np.ndarray) -> np.ndarray:
    top = logs.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(logs - top).sum(axis=1, keepdims=True)))[:, 0]


def _maximise(
    points: np.ndarray, number: int, rng: np.random.Generator, restarts: int = _RESTARTS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (K,), means (K, R) and variances (K, R) of the likeliest of several runs."""
    if number == 1:
        floor = _FLOOR * points.var(axis=0).mean() + 1e-12
        return np.ones(1), points.mean(axis=0)[None], points.var(axis=0)[None] + floor
    runs = [_run(points, number, rng) for _ in range(restarts)]
    return max(runs, key=lambda run: _logsumexp(_joint(points, *run)).mean())


def _run(points: np.ndarray, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    floor = _FLOOR * points.var(axis=0).mean() + 1e-12
    centres = [points[rng.integers(len(points))]]
    for _ in range(number - 1):  # k-means++
        gaps = nearest_distances(points, np.stack(centres)) ** 2
        centres.append(points[rng.choice(len(points), p=gaps / gaps.sum() if gaps.any() else None)])
    weights, means = np.full(number, 1 / number), np.stack(centres)
    variances = np.repeat(points.var(axis=0)[None] + floor, number, axis=0)
    before = -np.inf
    for _ in range(_STEPS):
        joint = _joint(points, weights, means, variances)
        density = _logsumexp(joint)
        if density.mean() < before + _GAIN:
            break
        before = density.mean()
        share = np.exp(joint - density[:, None])
        counts = share.sum(axis=0) + 1e-10
        means = share.T @ points / counts[:, None]
        variances = np.maximum(share.T @ np.square(points) / counts[:, None] - np.square(means), 0) + floor
        weights = counts / counts.sum()
    return weights, means, variances

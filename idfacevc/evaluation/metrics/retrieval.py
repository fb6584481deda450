"""Figures of face-voice association: verification, matching and retrieval, from scores alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Chance that a true pair scores higher than a false one, ties counted half; nan without either kind."""
    positive = np.asarray(labels, bool)
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not hits or not misses:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * misses))


def eer(scores: np.ndarray, labels: np.ndarray) -> float:
    """Equal error rate: as many false pairs accepted as true ones refused; linear between two thresholds."""
    positive = np.asarray(labels, bool)
    if not positive.any() or positive.all():
        return float("nan")
    order = np.argsort(-np.asarray(scores), kind="stable")
    values, positive = np.asarray(scores)[order], positive[order]
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)  # ties are accepted together
    missed = 1 - np.append(0, np.cumsum(positive)[ends] / positive.sum())
    accepted = np.append(0, np.cumsum(~positive)[ends] / (~positive).sum())
    gap = accepted - missed
    after = int(np.argmax(gap >= 0))
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(accepted[after - 1] + share * (accepted[after] - accepted[after - 1]))


def identity_interval(
    figure: Callable[[np.ndarray, np.ndarray], float],
    scores: np.ndarray,
    labels: np.ndarray,
    identities: np.ndarray,
    draws: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % bootstrap interval over identities: the trials of one person depend on each other."""
    rng = np.random.default_rng(seed)
    names, owner = np.unique(identities, return_inverse=True)
    trials = [np.flatnonzero(owner == index) for index in range(len(names))]
    values = []
    for _ in range(draws):
        drawn = np.concatenate([trials[index] for index in rng.integers(len(names), size=len(names))])
        values.append(figure(scores[drawn], labels[drawn]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def matching(scores: np.ndarray) -> float:
    """Share of rows (n, N) whose first column, the truth, scores higher than all others; a tie is a miss."""
    return float((scores[:, :1] > scores[:, 1:]).all(axis=1).mean())


def ranks(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Rank (n,) from 1 of the best relevant item of each row of scores (n, G); ties count against it."""
    best = np.where(relevant, scores, -np.inf).max(axis=1)
    return 1 + ((scores >= best[:, None]) & ~relevant).sum(axis=1)


def recall(scores: np.ndarray, relevant: np.ndarray, k: int) -> float:
    """Share of rows with a relevant item among the first k."""
    return float((ranks(scores, relevant) <= k).mean())


def mean_average_precision(scores: np.ndarray, relevant: np.ndarray) -> float:
    """Mean over rows (n, G) of the precision at each relevant item's rank."""
    order = np.argsort(-scores, axis=1, kind="stable")
    hits = np.take_along_axis(relevant, order, axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return float(((precision * hits).sum(axis=1) / hits.sum(axis=1)).mean())


def gender_oracle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Score of trials for one who knows both genders and nothing else: the floor that a system must exceed."""
    return (np.asarray(first) == np.asarray(second)).astype(float)

"""The choice among candidate voices by their score with a face (Vclip, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idfacevc.errors import InputError


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """Indices (k,) of the highest of S scores, best first; of equal scores the lower index."""
    _check(scores, k)
    return np.argsort(-scores, kind="stable")[:k]


def resample(scores: np.ndarray, k: int, temperature: float, seed: int = 0) -> np.ndarray:
    """Indices (k,) drawn without replacement with chances exp(score / temperature), by Gumbel noise."""
    _check(scores, k)
    if temperature <= 0:
        return top(scores, k)
    noise = np.random.default_rng(seed).gumbel(size=len(scores))
    return top(scores / temperature + noise, k)


def different(scores: np.ndarray, vectors: np.ndarray, k: int, closest: float) -> np.ndarray:
    """Indices (k,) of high scores whose unit vectors (S, V) have cosines of at most `closest` with one another.

    Where no further one is so different, the least similar to those chosen is taken.
    """
    _check(scores, k)
    order = list(top(scores, len(scores)))
    chosen = [order.pop(0)]
    while len(chosen) < k:
        likeness = (vectors[order] @ vectors[chosen].T).max(axis=1)
        apart = np.flatnonzero(likeness <= closest)
        chosen.append(order.pop(int(apart[0] if len(apart) else likeness.argmin())))
    return np.array(chosen)


def cast(scores: Sequence[np.ndarray], vectors: np.ndarray, pool: int = 50, weight: float = 1.0) -> list[int]:
    """One candidate for each of n faces, no two the same: fitting, and unlike the others.

    Args:
        scores: n arrays (S,), one a face.
        vectors: (S, V) unit vectors of how the candidates sound.
        pool: Best candidates of each face among which to choose.
        weight: Of the likeness to the voices of the others, against the score.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import, and one voice needs none

    candidates = sorted({int(index) for one in scores for index in top(one, min(pool, len(one)))})
    if len(scores) > len(candidates):
        raise InputError(f"{len(scores)} faces want different voices; there are {len(candidates)}")
    fit = np.stack([one[candidates] for one in scores])
    likeness = vectors[candidates] @ vectors[candidates].T
    chosen = linear_sum_assignment(-fit)[1]
    for _ in range(5):  # each pass counts how like a candidate is to the voices that the other faces have now
        cost = np.empty_like(fit)
        for face in range(len(fit)):
            others = np.delete(chosen, face)
            cost[face] = (likeness[:, others].max(axis=1) if len(others) else 0.0) * weight - fit[face]
        chosen = linear_sum_assignment(cost)[1]
    return [candidates[index] for index in chosen]


def hub_share(choices: Sequence[int]) -> float:
    """Largest share of faces that are given the same candidate."""
    return float(np.bincount(np.asarray(choices)).max() / len(choices))


def _check(scores: np.ndarray, k: int) -> None:
    if not 1 <= k <= len(scores):
        raise InputError(f"{k} voices were asked for; there are {len(scores)} candidates, and at least 1 is needed")

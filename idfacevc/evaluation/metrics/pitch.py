"""Log-F0 of an utterance, and how well outputs follow their targets in it."""

from __future__ import annotations

import math

import numpy as np

from idfacevc.evaluation.metrics.base import (
    SAMPLE_RATE,
    Estimate,
    MetricInfo,
    Scorer,
    Unavailable,
    percentiles,
    require,
    resampling_counts,
)

_FLOOR, _CEILING = 60.0, 400.0  # Hz; WORLD's own ceiling of 800 lets a man's second harmonic through


class PitchTracker(Scorer):
    """WORLD's DIO and StoneMask at 10 ms. Result: {"mean", "median", "voiced"}: ln Hz over voiced frames (null where
    there is none), and the share of voiced frames."""

    def __init__(self) -> None:
        self.name = f"WORLD dio+stonemask {_FLOOR:.0f}-{_CEILING:.0f} Hz (pyworld {require('pyworld')})"

    def __call__(self, wav: np.ndarray) -> dict[str, float | None]:
        import pyworld

        samples = np.ascontiguousarray(wav, dtype=np.float64)
        f0, times = pyworld.dio(samples, SAMPLE_RATE, _FLOOR, _CEILING, frame_period=10.0)
        f0 = pyworld.stonemask(samples, f0, times, SAMPLE_RATE)
        voiced = np.log(f0[f0 > 0])
        if not len(voiced):
            return {"mean": None, "median": None, "voiced": 0.0}
        return {"mean": float(voiced.mean()), "median": float(np.median(voiced)), "voiced": len(voiced) / len(f0)}


class LogF0Correlation:
    """Pearson correlation over outputs between their mean log-F0 and that of their targets' real speech."""

    info = MetricInfo("lf0_correlation", "log-F0 correlation", "correlation", "higher", (-1.0, 1.0), "offline", "WORLD")

    def __init__(self) -> None:
        self._rows: list[tuple[str, float, float]] = []

    def update(self, output: dict[str, float | None], reference: dict[str, float | None], speaker: str) -> None:
        """Pitch as `PitchTracker` gives it; a pair with an unvoiced side says nothing and is passed over."""
        if output["mean"] is not None and reference["mean"] is not None:
            self._rows.append((speaker, output["mean"], reference["mean"]))

    def compute(self) -> Estimate:
        """Raises `Unavailable` for fewer than three targets, or where one side does not vary."""
        speakers, index = np.unique([row[0] for row in self._rows], return_inverse=True)
        if len(speakers) < 3:
            raise Unavailable("a correlation says nothing about fewer than three speakers with voiced speech")
        x, y = np.array([row[1:] for row in self._rows]).T
        value = _correlation(x, y, np.ones((1, len(x))))[0]
        if math.isnan(value):
            raise Unavailable("the pitch of one side does not vary")
        low, high = percentiles(_correlation(x, y, resampling_counts(len(speakers))[:, index]))
        return Estimate(float(value), low, high, len(x), len(speakers))


def _correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted Pearson correlation, NaN without variance. Shape: (n,), (n,), (R, n) -> (R,)."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    dx = x - (weights @ x)[:, None]
    dy = y - (weights @ y)[:, None]
    covariance = (weights * dx * dy).sum(axis=1)
    spread = np.sqrt((weights * dx**2).sum(axis=1) * (weights * dy**2).sum(axis=1))
    return np.divide(covariance, spread, where=spread > 1e-12, out=np.full(len(weights), np.nan))

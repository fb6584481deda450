"""Log-F0 of an utterance: how well outputs follow their targets and sources in it, and how high voices lie."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from idfacevc.evaluation.metrics.base import (
    RESAMPLES,
    SAMPLE_RATE,
    SEED,
    Estimate,
    MetricInfo,
    RatioMetric,
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
        version = require("pyworld-prebuilt", "pyworld")
        self.name = f"WORLD dio+stonemask {_FLOOR:.0f}-{_CEILING:.0f} Hz (pyworld {version})"

    def __call__(self, wav: np.ndarray) -> dict[str, float | None]:
        f0 = _f0(wav)
        voiced = np.log(f0[f0 > 0])
        if not len(voiced):
            return {"mean": None, "median": None, "voiced": 0.0}
        return {"mean": float(voiced.mean()), "median": float(np.median(voiced)), "voiced": len(voiced) / len(f0)}


class PitchContour(Scorer):
    """The same tracker. Result: Hz every 10 ms, 0 where unvoiced, to a hundredth."""

    def __init__(self) -> None:
        self.name = f"contour of {PitchTracker().name}"

    def __call__(self, wav: np.ndarray) -> list[float]:
        return [round(float(hertz), 2) for hertz in _f0(wav)]


def _f0(wav: np.ndarray) -> np.ndarray:
    """Hz every 10 ms, 0 where unvoiced. Shape: (N,) -> (T,)."""
    import pyworld

    samples = np.ascontiguousarray(wav, dtype=np.float64)
    f0, times = pyworld.dio(samples, SAMPLE_RATE, _FLOOR, _CEILING, frame_period=10.0)
    return pyworld.stonemask(samples, f0, times, SAMPLE_RATE)


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


class ContourCorrelation(RatioMetric):
    """Mean over outputs of the Pearson correlation of log-F0 contours, output against source, frame by frame.

    It does not depend on the register or the width of either contour. Frames that both sides voice count, so both must
    have one time axis: recordings converted at their own speed.
    """

    info = MetricInfo(
        "contour_correlation",
        "log-F0 contour, correlation with the source",
        "correlation",
        "higher",
        (-1.0, 1.0),
        "offline",
        "WORLD",
    )
    _FEWEST = 20  # frames voiced in both

    def update(self, output: list[float], source: list[float], speaker: str) -> None:
        """Contours as `PitchContour` gives them; a pair with under 0.2 s voiced in both says nothing."""
        frames = min(len(output), len(source))
        pair = np.array([output[:frames], source[:frames]])
        pair = pair[:, (pair > 0).all(axis=0)]
        if pair.shape[1] >= self._FEWEST:
            x, y = np.log(pair)
            if not math.isnan(value := float(_correlation(x, y, np.ones((1, len(x))))[0])):
                self.add(value, speaker)


REGISTERS = {"f": 183.0, "m": 120.0}  # Hz: where real adults' voices lie in the median


class Register:
    """Distance of voices of a gender from real adults', in octaves: the median over speakers, above 0 for high voices.

    Args:
        gender: "f" (against 183 Hz) or "m" (against 120 Hz).
    """

    def __init__(self, gender: str) -> None:
        hertz, who = REGISTERS[gender], {"f": "women", "m": "men"}[gender]
        title = f"Register of {who}, octaves from {hertz:.0f} Hz"
        self.info = MetricInfo(f"register_{gender}", title, "octaves", "none", (-3.0, 3.0), "offline", "WORLD")
        self._reference = math.log(hertz)
        self._octaves: dict[str, list[float]] = defaultdict(list)

    def update(self, pitch: dict[str, float | None], speaker: str) -> None:
        """Pitch as `PitchTracker` gives it; unvoiced speech says nothing."""
        if pitch["median"] is not None:
            self._octaves[speaker].append((pitch["median"] - self._reference) / math.log(2))

    def compute(self) -> Estimate:
        """Raises `Unavailable` where nothing voiced was added."""
        if not self._octaves:
            raise Unavailable("no voiced speech of this gender")
        medians = np.array([float(np.median(own)) for own in self._octaves.values()])
        low, high = math.nan, math.nan
        if len(medians) > 1:
            drawn = np.random.default_rng(SEED).choice(medians, (RESAMPLES, len(medians)))
            low, high = percentiles(np.median(drawn, axis=1))
        return Estimate(float(np.median(medians)), low, high, sum(map(len, self._octaves.values())), len(medians))

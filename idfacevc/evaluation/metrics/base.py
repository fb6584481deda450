"""Base of all metrics: description, accumulator, and confidence intervals over speakers."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

SAMPLE_RATE = 16000  # of every wave that an analyser takes, in Hz
RESAMPLES = 2000
SEED = 520


class Unavailable(Exception):
    """A figure cannot be given here; the message is the reason, ready to follow "not available: "."""


@dataclass(frozen=True)
class MetricInfo:
    """Description of a metric.

    Attributes:
        name: Key in metrics.json and column in scores.csv.
        title: Heading in tables.
        unit: "MOS", "cosine", "share", "correlation".
        direction: Direction that is better; "none" for a figure that only describes.
        range: Smallest and largest possible value.
        tier: "offline" runs from what the packages hold; "paper" needs the paper's own models. They share no column.
        source: Publication or package that defines it.
    """

    name: str
    title: str
    unit: str
    direction: Literal["higher", "lower", "none"]
    range: tuple[float, float]
    tier: Literal["offline", "paper"]
    source: str


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; the limits are NaN where fewer than two speakers leave it open.

    Attributes:
        n: Number of outputs, or of pairs of outputs.
        speakers: Number of independent units that the interval resamples.
    """

    value: float
    low: float
    high: float
    n: int
    speakers: int


class Scorer(ABC):
    """Turns a wave into a value that JSON can hold.

    Attributes:
        name: Model and version; scorers of one name give one result for one wave.
    """

    name: str

    @abstractmethod
    def __call__(self, wav: np.ndarray) -> Any:
        """The value for `wav` (N,) float32 within ±1 at 16 kHz."""

    def many(self, wavs: Sequence[np.ndarray]) -> list[Any]:
        """The values of several waves; the same as one call each, faster where a model batches."""
        return [self(wav) for wav in wavs]


class RatioMetric:
    """Sum of numerators over sum of denominators, so a plain mean where every denominator is 1.

    The interval resamples whole speakers: utterances of one person are not independent.
    """

    info: MetricInfo

    def __init__(self) -> None:
        self._rows: list[tuple[str, float, float]] = []

    def add(self, numerator: float, speaker: str, denominator: float = 1.0) -> None:
        self._rows.append((speaker, float(numerator), float(denominator)))

    def compute(self) -> Estimate:
        """Raises `Unavailable` where nothing was added."""
        if not self._rows:
            raise Unavailable("no output to measure")
        speakers, index = np.unique([row[0] for row in self._rows], return_inverse=True)
        sums = np.zeros((len(speakers), 2))
        np.add.at(sums, index, np.array([row[1:] for row in self._rows]))
        if not sums[:, 1].sum():
            raise Unavailable("the reference texts are empty")
        low, high = ratio_interval(sums)
        return Estimate(float(sums[:, 0].sum() / sums[:, 1].sum()), low, high, len(self._rows), len(speakers))


def ratio_interval(sums: np.ndarray) -> tuple[float, float]:
    """Percentile 95 % interval of sum(sums[:, 0]) / sum(sums[:, 1]) under resampling of the rows. Shape: (G, 2)."""
    if len(sums) < 2:
        return math.nan, math.nan
    drawn = resampling_counts(len(sums)) @ sums
    return percentiles(np.divide(drawn[:, 0], drawn[:, 1], where=drawn[:, 1] != 0, out=np.full(len(drawn), np.nan)))


def resampling_counts(units: int) -> np.ndarray:
    """Counts of each of `units` in each bootstrap resample. Shape: (RESAMPLES, units)."""
    return np.random.default_rng(SEED).multinomial(units, np.full(units, 1 / units), size=RESAMPLES).astype(np.float64)


def percentiles(draws: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of the draws that are defined."""
    if np.isnan(draws).all():
        return math.nan, math.nan
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return float(low), float(high)


def require(package: str, module: str | None = None, extra: str = "evaluate") -> str:
    """The installed version of `package`; `Unavailable` with what to install where it is missing."""
    if importlib.util.find_spec(module or package) is None:
        raise Unavailable(f"the package {package} is not installed (pip install 'idfacevc[{extra}]')")
    return importlib.metadata.version(package)

"""Contours and registers against tones of known pitch."""

from __future__ import annotations

import numpy as np
import pytest

from idfacevc.evaluation.metrics.base import Unavailable
from idfacevc.evaluation.metrics.pitch import REGISTERS, ContourCorrelation, PitchContour, Register


def voice(hertz: np.ndarray) -> np.ndarray:
    """A buzz whose fundamental follows `hertz` (N,) at 16 kHz."""
    phase = 2 * np.pi * np.cumsum(hertz) / 16000
    return np.asarray(sum(np.sin(k * phase) / k for k in range(1, 12)) * 0.2, dtype=np.float32)


def test_contour_of_a_glide() -> None:
    hertz = np.geomspace(110, 220, 16000)
    found = np.array(PitchContour()(voice(hertz)))
    centres = hertz[np.minimum(np.arange(len(found)) * 160, 15999)]
    voiced = found > 0
    assert voiced.mean() > 0.8
    assert np.median(np.abs(found[voiced] / centres[voiced] - 1)) < 0.02


def test_correlation_ignores_register_and_equals_numpy() -> None:
    rng = np.random.default_rng(0)
    source = np.exp(rng.normal(5, 0.2, 200))
    noisy = np.exp(np.log(source) + rng.normal(0, 0.1, 200))
    source[::7], noisy[::5] = 0, 0
    both = (source > 0) & (noisy > 0)
    expected = np.corrcoef(np.log(noisy[both]), np.log(source[both]))[0, 1]
    for factor in (1.0, 1.7):
        metric = ContourCorrelation()
        metric.update(list(noisy * factor), list(source), "a")
        assert metric.compute().value == pytest.approx(expected)


def test_too_little_voice_says_nothing() -> None:
    metric = ContourCorrelation()
    metric.update([0.0] * 100, [120.0] * 100, "a")
    metric.update([120.0] * 100, [120.0] * 100, "a")  # a constant has no correlation
    with pytest.raises(Unavailable):
        metric.compute()


@pytest.mark.parametrize("gender", ["f", "m"])
def test_register_is_the_median_over_speakers(gender: str) -> None:
    metric = Register(gender)
    for number, octaves in enumerate((-0.1, 0.25, 0.9)):
        for _ in range(number + 1):  # who speaks more often does not count more
            metric.update({"median": float(np.log(REGISTERS[gender] * 2**octaves))}, f"speaker{number}")
    metric.update({"median": None}, "unvoiced")
    estimate = metric.compute()
    assert estimate.value == pytest.approx(0.25)
    assert (estimate.n, estimate.speakers) == (6, 3)
    assert estimate.low <= 0.25 <= estimate.high

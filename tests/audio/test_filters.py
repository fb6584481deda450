"""Filters against SciPy's and pyloudnorm's."""

from __future__ import annotations

import numpy as np
import pytest
from pyloudnorm.iirfilter import IIRfilter
from scipy.signal import lfilter, resample_poly

from idfacevc.audio.filters import Convolution, k_weighting, resampled


@pytest.mark.parametrize(("up", "down"), [(4, 1), (2, 1), (1, 2), (3, 2), (2, 3), (41, 40), (6, 4), (5, 5)])
@pytest.mark.parametrize("length", [1, 37, 4000])
def test_resampling_is_scipys(up: int, down: int, length: int) -> None:
    wave = np.random.default_rng(length).standard_normal(length)
    expected = resample_poly(wave, up, down)
    assert resampled(wave, up, down) == pytest.approx(expected, abs=1e-9)
    found = resampled(wave.astype(np.float32), up, down)
    assert found.dtype == np.float32 and found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_the_weighting_is_pyloudnorms_however_the_wave_is_cut(rate: int) -> None:
    rng = np.random.default_rng(0)
    wave = rng.standard_normal(3 * rate) + 0.5
    expected = wave
    for one in (
        IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate, "high_shelf"),
        IIRfilter(0.0, 0.5, 38.0, rate, "high_pass"),
    ):
        expected = lfilter(one.b, one.a, expected)
    weighted = Convolution(k_weighting(rate))
    cuts = np.sort(rng.integers(len(wave), size=9))
    assert np.concatenate([weighted(piece) for piece in np.split(wave, cuts)]) == pytest.approx(expected, abs=1e-9)

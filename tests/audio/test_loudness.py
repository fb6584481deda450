"""Loudness against pyloudnorm, true peaks against scipy, and what a gain must not do."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample

from idfacevc.audio.limiter import CEILING_DB, limited
from idfacevc.audio.loudness import Meter, integrated_loudness, levelled, levelled_in_parts
from idfacevc.audio.output import at_loudness
from tests.conftest import vowels

RATE = 16000


def speechlike(seconds: float, seed: int = 0, level: float = 1.0) -> np.ndarray:
    """Vowels whose level swings by 30 dB, with pauses."""
    rng = np.random.default_rng(seed)
    wave = vowels(seconds)
    knots = 10 ** (rng.uniform(-30, 0, int(seconds * 3) + 2) / 20)
    swing = np.interp(np.arange(len(wave)) / RATE * 3, np.arange(len(knots)), knots)
    return (level * wave * swing).astype(np.float32)


def oracle(wave: np.ndarray) -> float:
    return pyloudnorm.Meter(RATE).integrated_loudness(np.asarray(wave, np.float64))


def true_peak(wave: np.ndarray) -> float:
    """In dBTP, by a transform of the whole wave: another way than the limiter's filter."""
    return 20 * np.log10(np.abs(resample(np.pad(wave, 64).astype(np.float64), 4 * (len(wave) + 128))).max())


@pytest.mark.parametrize("seed", range(4))
def test_the_meter_reads_what_pyloudnorm_reads_however_the_wave_is_cut(seed: int) -> None:
    wave = speechlike(6.3 + seed, seed, level=0.3)
    meter = Meter(RATE)
    for piece in np.array_split(wave, [17, 100, 5000, 30001]):
        meter.add(piece)
    assert meter.loudness() == pytest.approx(oracle(wave), abs=0.1)


@pytest.mark.parametrize("target", [-30.0, -23.0, -14.0])
@pytest.mark.parametrize("level", [0.03, 0.3])
def test_a_wave_gets_the_loudness_asked_for_and_no_peak_over_the_ceiling(target: float, level: float) -> None:
    wave = speechlike(8.0, 1, level)
    out = np.concatenate(list(at_loudness(wave, RATE, target)))
    assert out.shape == wave.shape
    assert oracle(out) == pytest.approx(target, abs=1.0)
    assert true_peak(out) <= CEILING_DB


@pytest.mark.parametrize("target", [-26.0, -18.0])
def test_a_stream_gets_near_and_a_gain_never_jumps(target: float) -> None:
    wave = speechlike(20.0, 2, 0.2)
    pieces = np.array_split(wave, 23)
    out = np.concatenate(list(levelled(pieces, RATE, target)))
    assert out.shape == wave.shape
    assert oracle(out) == pytest.approx(target, abs=1.0)
    heard = np.abs(wave) > 1e-4
    gain = 20 * np.log10(np.where(heard, np.abs(out / np.where(heard, wave, 1)), 1))
    assert np.abs(np.diff(gain))[heard[1:] & heard[:-1]].max() < 0.05
    other = np.concatenate(list(levelled([wave], RATE, target)))
    np.testing.assert_array_equal(out, other)  # however it is cut


def test_a_stream_that_is_shorter_than_the_look_ahead_is_exact() -> None:
    wave = speechlike(2.0, 3, 0.2)
    assert oracle(np.concatenate(list(levelled([wave], RATE, -20.0)))) == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.39])
def test_clips_too_short_for_a_gating_block(seconds: float) -> None:
    wave = vowels(1.0)[: int(seconds * RATE)] * np.float32(0.1)
    out = np.concatenate(list(at_loudness(wave, RATE, -23.0)))
    assert integrated_loudness([out], RATE) == pytest.approx(-23.0, abs=0.5)


def test_silence_stays_silent() -> None:
    silence = np.zeros(2 * RATE, np.float32)
    hiss = np.random.default_rng(0).normal(0, 1e-5, 2 * RATE).astype(np.float32)  # about -97 LUFS
    for wave in (silence, hiss):
        np.testing.assert_array_equal(np.concatenate(list(at_loudness(wave, RATE, -23.0))), wave)
        np.testing.assert_array_equal(np.concatenate(list(levelled([wave], RATE, -23.0))), wave)
    assert integrated_loudness([silence], RATE) == -np.inf
    assert list(at_loudness(np.zeros(0, np.float32), RATE, -23.0)) == []


def test_quiet_waves_are_not_touched_and_loud_ones_do_not_depend_on_the_blocks() -> None:
    quiet = speechlike(3.0, 4, 0.3)
    np.testing.assert_array_equal(np.concatenate(list(limited([quiet], RATE))), quiet)
    loud = 8 * speechlike(9.0, 5)
    whole = np.concatenate(list(limited([loud], RATE)))
    pieces = np.concatenate(list(limited(np.array_split(loud, 31), RATE)))
    np.testing.assert_array_equal(whole, pieces)
    assert true_peak(whole) <= CEILING_DB


def test_parts_are_levelled_without_waiting_for_the_next() -> None:
    parts = [speechlike(2.0, seed, 0.2) for seed in range(3)]
    heard = levelled_in_parts(iter(parts), RATE, -20.0)
    assert oracle(next(heard)) == pytest.approx(-20.0, abs=0.1)
    for part, out in zip(parts[1:], heard, strict=True):
        gains = out[np.abs(part) > 1e-3] / part[np.abs(part) > 1e-3]
        assert np.ptp(gains) < 1e-4 * gains.mean()  # one gain, so that it changes between two parts only
    assert oracle(np.concatenate(list(levelled_in_parts(parts, RATE, -20.0)))) == pytest.approx(-20.0, abs=2.0)

"""The mark: found in what was marked and not elsewhere, the package's own by its own measure, in blocks as in one."""

from __future__ import annotations

import contextlib
import io
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from idfacevc.audio import perth
from idfacevc.audio.io import load_audio
from idfacevc.audio.watermark import MARKED, score, watermarker
from idfacevc.errors import InputError

RATE = 16000


@pytest.fixture(scope="module")
def marked(speech: np.ndarray) -> np.ndarray:
    return np.concatenate(list(watermarker().mark([speech], RATE)))


def seconds_of(wave: np.ndarray) -> list[np.ndarray]:
    """Every second that holds sound, from wherever it starts."""
    cuts = [wave[start : start + RATE] for start in range(0, len(wave) - RATE, 3777)]
    return [cut for cut in cuts if np.sqrt(np.mean(cut**2)) > 0.005]


def test_the_mark_is_where_it_was_put_and_nowhere_else(speech: np.ndarray, marked: np.ndarray) -> None:
    assert marked.shape == speech.shape
    assert score(marked) > 0.9
    assert score(speech) < 0.1
    assert score(np.zeros(RATE, np.float32)) == 0
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    assert score(noise) < MARKED
    assert 12 < 10 * np.log10(np.square(speech).sum() / np.square(marked - speech).sum()) < 30


def test_blocks_give_what_one_pass_gives_and_any_second_is_enough(speech: np.ndarray, marked: np.ndarray) -> None:
    streamed = np.concatenate(list(watermarker().mark(np.array_split(speech, [1, 50, 777, 40000]), RATE)))
    np.testing.assert_allclose(streamed, marked, atol=1e-6)
    whole = perth.Perth.load()._marked(speech)
    np.testing.assert_allclose(streamed, whole, atol=1e-5)
    assert all(score(cut) > MARKED for cut in seconds_of(streamed))
    assert not any(score(cut) > MARKED for cut in seconds_of(speech))


@pytest.mark.parametrize(("up", "down"), [(20, 21), (40, 39)])
def test_another_speed_is_found_where_it_is_looked_for(
    speech: np.ndarray, marked: np.ndarray, up: int, down: int
) -> None:
    faster = resample_poly(marked, up, down).astype(np.float32)
    assert score(faster) < MARKED < score(faster, any_speed=True)
    assert score(resample_poly(speech, up, down).astype(np.float32), any_speed=True) < MARKED


@pytest.mark.parametrize("rate", [8000, 22050, 24000, 44100])
def test_other_rates_keep_their_length_and_their_high_bands(speech: np.ndarray, rate: int) -> None:
    wave = resample_poly(speech, rate, RATE).astype(np.float32)
    out = np.concatenate(list(watermarker().mark(np.array_split(wave, 7), rate)))
    assert out.shape == wave.shape
    added = np.abs(np.fft.rfft(out - wave)) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / rate)
    assert added[hertz > 2500].sum() < 1e-3 * added.sum()
    assert score(load_audio((out, rate), RATE)) > 0.9


@pytest.mark.parametrize("samples", [0, 1, 159, 500, 1023, 1025])
def test_clips_of_a_few_samples(speech: np.ndarray, samples: int) -> None:
    clip = speech[RATE : RATE + samples]
    for rate in (RATE, 24000):
        out = list(watermarker().mark([clip], rate))
        assert sum(map(len, out)) == samples


def test_silence_stays_silent_between_sounds(speech: np.ndarray) -> None:
    wave = np.concatenate([speech[:RATE], np.zeros(RATE, np.float32), speech[:RATE]])
    out = np.concatenate(list(watermarker().mark([wave], RATE)))
    assert np.abs(out[RATE + 2000 : 2 * RATE - 2000]).max() == 0


def test_a_missing_or_damaged_package_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(perth.metadata, "files", absent)
    with pytest.raises(InputError, match="pip install resemble-perth"):
        perth.Perth.load()
    (tmp_path / "weights").write_bytes(b"no weights")
    monkeypatch.setattr(perth, "_weights", lambda: tmp_path / "weights")
    with pytest.raises(InputError, match="cannot be read"):
        perth.Perth.load()


def test_nothing_of_the_package_is_executed() -> None:
    watermarker()
    assert "perth" not in sys.modules or "idfacevc" in sys.modules["perth"].__name__


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_package_itself_hears_our_mark_and_we_hear_its(speech: np.ndarray, marked: np.ndarray) -> None:
    pytest.importorskip("pkg_resources")
    package = pytest.importorskip("perth")
    with contextlib.redirect_stdout(io.StringIO()):
        oracle = package.PerthImplicitWatermarker()
    theirs = np.asarray(oracle.apply_watermark(speech, RATE), np.float32)
    length = min(len(theirs), len(speech))
    difference = np.square(theirs[:length] - marked[:length]).sum()
    assert 10 * np.log10(np.square(speech).sum() / difference) > 30
    assert score(theirs) > 0.9
    assert oracle.get_watermark(marked, RATE, round=False) > 0.9
    assert oracle.get_watermark(speech, RATE, round=False) < 0.1

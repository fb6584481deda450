"""A recording in chunks: bounded look-ahead, and the speech of the whole recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from idfacevc import IDFaceVC, InputError
from idfacevc.pipeline.chunks import LOOK_AHEAD, passages
from tests.conftest import RATE, vowels

HOP = 160


def chunks_of(wave: np.ndarray, sizes: tuple[int, ...] = (480, 1, 4000)) -> Iterator[np.ndarray]:
    start, turn = 0, 0
    while start < len(wave):
        size = sizes[turn % len(sizes)]
        yield wave[start : start + size]
        start, turn = start + size, turn + 1


def test_passages_are_the_recording_cut_where_it_is_quiet() -> None:
    wave = vowels(9.0)
    parts = list(passages(chunks_of(wave), RATE, HOP))
    joined = np.concatenate(parts)
    np.testing.assert_array_equal(joined[: len(wave)], wave)
    assert not joined[len(wave) :].any() and len(joined) - len(wave) < 0.3 * RATE
    assert all(len(part) % HOP == 0 and len(part) <= LOOK_AHEAD * RATE for part in parts)
    assert all(len(part) >= LOOK_AHEAD / 2 * RATE - HOP for part in parts[:-1])
    level = np.sqrt(np.square(wave).mean())
    for cut in np.cumsum([len(part) for part in parts])[:-1]:
        assert np.sqrt(np.square(wave[cut - 80 : cut + 80]).mean()) < 0.1 * level
    again = list(passages(chunks_of(wave, (100,)), RATE, HOP))
    assert [len(part) for part in again] == [len(part) for part in parts]  # whatever the chunks' sizes


@pytest.mark.parametrize("chunk", [np.zeros((3, 2)), np.zeros(3, int), np.array([0.0, np.nan])])
def test_chunks_that_are_no_samples(chunk: np.ndarray) -> None:
    with pytest.raises(InputError, match="a chunk must be finite floats"):
        list(passages([chunk], RATE, HOP))


def test_a_microphone_is_converted_while_it_runs(tiny_bundle: Path, photo_path: Path) -> None:
    vc = IDFaceVC.from_pretrained(tiny_bundle)
    voice = vc.voice_from_face(photo_path)
    wave = np.concatenate([vowels(20.0), np.zeros(3 * RATE, np.float32), vowels(3.0, seed=1)])
    taken = 0

    def microphone() -> Iterator[np.ndarray]:
        nonlocal taken
        for chunk in chunks_of(wave, (800,)):
            taken += len(chunk)
            yield chunk

    given, furthest, pieces = 0, 0, []
    for piece in vc.stream(voice, audio=microphone()):
        furthest = max(furthest, taken - given)
        pieces.append(piece)
        given += len(piece)
    assert furthest < len(wave) / 2  # a passage, what decoder and vocoder hold back, and 3 s of level
    assert 0 <= given - len(wave) < 0.3 * RATE
    out = np.concatenate(pieces)
    assert np.isfinite(out).all()
    faster = sum(map(len, vc.stream(voice, audio=chunks_of(wave), speed=2.0)))
    assert abs(faster - len(wave) / 2) < 0.3 * RATE

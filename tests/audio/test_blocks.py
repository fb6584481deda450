"""A function on a stream: the result that it has on the whole, soon and in bounded blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from idfacevc.audio.blocks import overlapped

REACH = 10


def smoothed(wave: np.ndarray) -> np.ndarray:
    window = np.ones(2 * REACH + 1) / (2 * REACH + 1)
    return np.convolve(np.pad(wave, REACH), window, "valid").astype(np.float32)


@pytest.mark.parametrize("cuts", [[], [1, 5, 6, 300], list(range(7, 1000, 7))])
@pytest.mark.parametrize("block", [REACH, 64, 5000])
def test_a_stream_gives_what_the_whole_gives(cuts: list[int], block: int) -> None:
    wave = np.random.default_rng(0).standard_normal(1003).astype(np.float32)
    made = list(overlapped(np.split(wave, cuts), smoothed, REACH, block))
    np.testing.assert_allclose(np.concatenate(made), smoothed(wave), atol=1e-6)
    assert max(map(len, made[:-1]), default=0) <= block


def test_the_first_samples_come_after_twice_the_reach() -> None:
    taken = 0

    def pieces() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield np.ones(1, np.float32)

    next(overlapped(pieces(), smoothed, REACH, 1000))
    assert taken == 2 * REACH

"""The audible-to-machines mark in every synthetic waveform: one slot, and who fills it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Protocol

import numpy as np

from idfacevc.audio.filters import resampled

SCORE_RATE = 16000  # Hz that detection works at
MARKED = 0.4  # a score from here on means that the mark is there

_SPEEDS = ((41, 40), (39, 40), (21, 20), (19, 20))  # each finds what is 1.5 % beside it
_WINDOW = 10 * SCORE_RATE  # scored at a time


class Watermarker(Protocol):
    """What fills the slot."""

    name: str

    def mark(self, pieces: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
        """A stream (n,) at `rate` Hz with the mark in it: as many samples, and detectable in any second of speech."""
        ...

    def score(self, wave: np.ndarray) -> float:
        """How sure the mark is in a wave (N,) at 16 kHz, from 0 to 1."""
        ...


@lru_cache(maxsize=1)
def watermarker() -> Watermarker:
    """The watermarker of this installation, loaded once; `InputError` where its package is missing."""
    from idfacevc.audio.perth import Perth

    return Perth.load()


def score(wave: np.ndarray, any_speed: bool = False) -> float:
    """How sure the mark is in a recording, from 0 to 1, over windows of ten seconds.

    Args:
        wave: (N,) at 16 kHz.
        any_speed: where the mark is not there, look for it in a recording that is played up to 6 % faster or slower.
    """
    best = _mean_score(wave)
    for up, down in _SPEEDS if any_speed else ():
        if best >= MARKED:
            break
        best = max(best, _mean_score(resampled(wave, up, down)))
    return best


def _mean_score(wave: np.ndarray) -> float:
    windows = [wave[start : start + _WINDOW] for start in range(0, len(wave), _WINDOW)]
    if len(windows) > 1 and len(windows[-1]) < SCORE_RATE:  # too little to be heard by itself
        windows[-2:] = [wave[(len(windows) - 2) * _WINDOW :]]
    return float(np.average([watermarker().score(one) for one in windows], weights=[len(one) for one in windows]))

"""True peaks: found by fourfold oversampling (ITU-R BS.1770-4, annex 2), and kept under a ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from idfacevc.audio.blocks import overlapped
from idfacevc.audio.filters import resampled
from idfacevc.errors import InputError

CEILING_DB = -1.0  # dBTP, EBU R128's maximum
LOSSY_CEILING_DB = -2.0  # before a lossy codec, whose decoded peaks are a little higher

_OVERSAMPLING = 4
_MARGIN_DB = 0.1  # the gain bends the wave between samples
_REACH = 0.005  # seconds that the gain takes to fall and to rise
_TAPS = 12  # samples at each side that an interpolated one depends on
_BLOCK = 1 << 12


def peaks(wave: np.ndarray) -> np.ndarray:
    """The largest size (N,) of the wave (N,) at each sample and between it and the next."""
    between = np.abs(resampled(wave, _OVERSAMPLING)).reshape(-1, _OVERSAMPLING)
    return between.max(axis=1) if len(between) else np.zeros(0)


def limited(pieces: Iterable[np.ndarray], rate: int, ceiling_db: float = CEILING_DB) -> Iterator[np.ndarray]:
    """A stream (n,) whose true peaks lie under a ceiling in dBTP; where they do by themselves, it is not changed.

    The gain is the least that a window of 5 ms at each side asks for, smoothed over the same window, so that it is
    down before the peak comes.

    Raises:
        InputError: for samples that are no finite numbers.
    """
    ceiling = 10 ** ((ceiling_db - _MARGIN_DB) / 20)
    reach = round(_REACH * rate)
    window = np.hanning(2 * reach + 3)[1:-1]
    window /= window.sum()

    def limit(wave: np.ndarray) -> np.ndarray:
        if not np.isfinite(wave).all():
            raise InputError("the speech holds values that are no finite numbers: the weights that made it are damaged")
        over = peaks(wave)
        if not len(wave) or over.max() <= ceiling:
            return wave
        from scipy.ndimage import minimum_filter1d  # seldom needed, and slow to import

        needed = ceiling / np.maximum(over, ceiling)
        needed = np.minimum(needed, np.append(1.0, needed[:-1]))  # a peak between two samples is both samples'
        least = np.pad(minimum_filter1d(needed, 2 * reach + 1, mode="nearest"), reach, mode="edge")
        return (wave * np.convolve(least, window, "valid")).astype(np.float32)

    return overlapped(pieces, limit, 2 * reach + _TAPS, _BLOCK)

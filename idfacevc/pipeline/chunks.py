"""A recording that arrives in chunks, as passages that are converted one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from idfacevc.audio.io import SHORTEST_SECONDS
from idfacevc.errors import InputError

LOOK_AHEAD = 2.0  # seconds that are heard before the first of them is converted
_CUT = 0.02  # seconds within which a cut looks for quiet


def passages(chunks: Iterable[np.ndarray], rate: int, hop: int) -> Iterator[np.ndarray]:
    """Passages (n,) of at most `LOOK_AHEAD`, of whole frames, which end where speech is quietest.

    Args:
        chunks: Mono floats (n,) at `rate` Hz, of any length.
        rate: Sample rate in Hz.
        hop: Samples of a frame. The last passage is filled with silence to a whole frame, and to 0.3 s.
    Raises:
        InputError: for a chunk of another shape, or with values that are not numbers.
    """
    longest = round(LOOK_AHEAD * rate)
    waiting = np.zeros(0, np.float32)
    for chunk in chunks:
        waiting = np.concatenate([waiting, _checked(chunk)])
        while len(waiting) >= longest:
            cut = _quietest(waiting[:longest], rate) // hop * hop
            yield waiting[:cut]
            waiting = waiting[cut:]
    if len(waiting):
        missing = max(0, round(SHORTEST_SECONDS * rate) - len(waiting))
        waiting = np.pad(waiting, (0, missing))
        yield np.pad(waiting, (0, -len(waiting) % hop))


def _checked(chunk: np.ndarray) -> np.ndarray:
    samples = np.asarray(chunk)
    if samples.ndim != 1 or samples.dtype.kind != "f" or not np.isfinite(samples).all():
        raise InputError(f"a chunk must be finite floats (n,), not {samples.dtype} {samples.shape}")
    return np.clip(samples, -1.0, 1.0).astype(np.float32)


def _quietest(wave: np.ndarray, rate: int) -> int:
    """The quietest place in the last half of a wave, in samples from its start."""
    size, start = round(_CUT * rate), len(wave) // 2
    frames = wave[start : start + (len(wave) - start) // size * size].reshape(-1, size)
    return start + int(np.square(frames).sum(axis=1).argmin()) * size + size // 2

"""Loudness by EBU R128 (ITU-R BS.1770-4): measured by blocks, and the gain that gives a wave the loudness asked for.

The weighting filters are pyloudnorm's (`filters`). Blocks are summed here, so that hours are measured in bounded memory
and a stream while it runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from idfacevc.audio.filters import Convolution, k_weighting

TEXT_LUFS = -23.0  # EBU R128's target for programmes
SILENCE_LUFS = -70.0  # the absolute gate: what lies under it is not raised
LOOK_AHEAD = 3.0  # seconds; the loudness of a stream is known so far ahead of what is handed out
LIVE_LOOK_AHEAD = 0.4  # the same of a stream that somebody waits for: one gating block

_HOP = 0.1  # seconds; a gating block is four of them


class Meter:
    """Integrated loudness of a mono wave that comes in pieces.

    Args:
        rate: Sample rate in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._weighted = Convolution(k_weighting(rate))
        self._hop = round(_HOP * rate)
        self._rest = np.zeros(0)
        self._power: list[float] = []  # mean square of each hop

    def add(self, piece: np.ndarray) -> None:
        """Hear more samples (n,)."""
        wave = np.concatenate([self._rest, self._weighted(np.asarray(piece, dtype=np.float64))])
        whole = len(wave) // self._hop * self._hop
        self._power += np.square(wave[:whole].reshape(-1, self._hop)).mean(axis=1).tolist()
        self._rest = wave[whole:]

    def loudness(self) -> float:
        """Loudness of all that was heard in LUFS; -inf for digital silence.

        What is shorter than a gating block (0.4 s) counts as one block, and where every block lies under the absolute
        gate none is left out.
        """
        hops = np.array(self._power)
        if len(hops) >= 4:
            blocks = np.convolve(hops, np.full(4, 0.25), "valid")
        else:
            total = hops.sum() * self._hop + np.square(self._rest).sum()
            blocks = np.array([total / max(1, len(hops) * self._hop + len(self._rest))])
        loud = blocks[blocks > _power_of(SILENCE_LUFS)]
        if not len(loud):
            return _lufs(blocks.mean())
        return _lufs(loud[loud > loud.mean() / 10].mean())


def integrated_loudness(pieces: Iterable[np.ndarray], rate: int) -> float:
    """Loudness of a wave that comes in pieces (n,), in LUFS; -inf for digital silence."""
    meter = Meter(rate)
    for piece in pieces:
        meter.add(piece)
    return meter.loudness()


def gain_to(target: float, loudness: float) -> float:
    """The factor that takes a wave of that loudness to the target, both in LUFS; 1 for silence, which stays silent."""
    return 10 ** ((target - loudness) / 20) if loudness > min(SILENCE_LUFS, target) else 1.0


def levelled(
    pieces: Iterable[np.ndarray], rate: int, target: float, look_ahead: float = LOOK_AHEAD
) -> Iterator[np.ndarray]:
    """A stream (n,) at `target` LUFS, whose gain follows the loudness of all that is known so far.

    That is what was handed out and the next `look_ahead` seconds (all of it, where it is shorter). The gain moves
    linearly over a tenth of a second, so that it is not heard.
    """
    meter = Meter(rate)
    hop, ahead = round(_HOP * rate), round(look_ahead * rate)
    waiting = np.zeros(0, np.float32)
    gain: float | None = None

    def step(size: int) -> np.ndarray:
        nonlocal gain
        wanted = gain_to(target, meter.loudness())
        ramp = np.linspace(wanted if gain is None else gain, wanted, size, dtype=np.float32)
        gain = wanted
        return waiting[:size] * ramp

    known = 0  # samples of `waiting` that the meter has heard
    for piece in pieces:
        waiting = np.concatenate([waiting, np.asarray(piece, np.float32)])
        while len(waiting) >= ahead + hop:
            meter.add(waiting[known:ahead])
            yield step(hop)
            waiting, known = waiting[hop:], ahead - hop
    if len(waiting):
        meter.add(waiting[known:])
        yield step(len(waiting))


def levelled_in_parts(parts: Iterable[np.ndarray], rate: int, target: float) -> Iterator[np.ndarray]:
    """A stream of sentences (n,), each of which begins with a pause, near `target` LUFS and without any look-ahead.

    The gain of each follows the loudness of all so far and its own; it changes where nothing is heard.
    """
    meter = Meter(rate)
    for part in parts:
        meter.add(part)
        yield part * np.float32(gain_to(target, meter.loudness()))


def _power_of(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power) if power > 0 else -math.inf

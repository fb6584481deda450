"""A function of a wave that looks only so far, done on a stream of blocks with the result it has on the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np


def overlapped(
    pieces: Iterable[np.ndarray], function: Callable[[np.ndarray], np.ndarray], context: int, block: int
) -> Iterator[np.ndarray]:
    """`function` of a wave that comes in pieces, in pieces.

    Args:
        pieces: parts (n,) of the wave, of any lengths.
        function: Function from samples (N,) to as many; each result depends on `context` samples at each side.
        context: Number of samples; a multiple of the function's own step, where it has one.
        block: samples handed out at a time, but for the last; a multiple of that step as well. The first ones are
            shorter, `context` and then twice as long each, so that a listener soon hears something.
    """
    longest, block = block, min(context, block)
    waiting: list[np.ndarray] = []
    held, before = 0, 0  # samples in `waiting`, and how many of them are context that was handed out already
    for piece in pieces:
        waiting.append(np.asarray(piece, dtype=np.float32))
        held += len(piece)
        while held >= before + block + context:
            wave = np.concatenate(waiting)
            yield function(wave[: before + block + context])[before : before + block]
            kept = wave[max(0, before + block - context) :]
            waiting, before, held = [kept], min(context, before + block), len(kept)
            block = min(longest, 2 * block)
    if held > before:
        yield function(np.concatenate(waiting))[before:]

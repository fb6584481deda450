"""Run convolution stacks over a sequence that arrives in pieces, with the very output of one pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class ConvStream:
    """Feeds a stack of centred "same" convolutions piece by piece.

    Pieces are kept until `reach` further frames are known, and `reach` earlier frames stay as context; the stack's own
    padding then only acts at the true ends of the sequence.

    Args:
        stack: (B, C, T) -> (B, C', T).
        reach: frames that an output depends on at each side, the sum of (kernel - 1) / 2 over the stack.
    """

    def __init__(self, stack: Callable[[Tensor], Tensor], reach: int) -> None:
        self.stack = stack
        self.reach = reach
        self._buffer: Tensor | None = None
        self._context = 0

    def push(self, piece: Tensor, last: bool) -> Tensor | None:
        """Add frames (B, C, T); returns the frames that are final now, or None."""
        buffer = piece if self._buffer is None else torch.cat([self._buffer, piece], dim=2)
        ready = buffer.shape[2] if last else buffer.shape[2] - self.reach
        if ready <= self._context:
            self._buffer = buffer
            return None
        out = self.stack(buffer)[:, :, self._context : ready]
        start = max(0, ready - self.reach)
        self._buffer, self._context = buffer[:, :, start:], ready - start
        return out

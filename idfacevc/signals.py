"""Signals as exceptions."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raising(number: int, error: type[BaseException]) -> Iterator[None]:
    """A signal raises `error` within the block, once: what follows is tidying up."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise error

    try:
        before = signal.signal(number, interrupt)
    except ValueError:  # not in the main thread of a host program
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, before)

"""Signals as exceptions."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raising(number: int, error: type[BaseException]) -> Iterator[None]:
    """A signal raises `error` within the block, once: what follows is tidying up.

    So does the block where the signal made something else of it: a file that was being written says that it failed.
    """
    came = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        signal.signal(number, signal.SIG_IGN)
        came = True
        raise error

    try:
        before = signal.signal(number, interrupt)
    except ValueError:  # not in the main thread of a host program
        yield
        return
    try:
        yield
    except BaseException as other:
        if came and not isinstance(other, error):
            raise error from other
        raise
    finally:
        signal.signal(number, before)

"""Whatever ends a command early, as one line and an exit status."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress

from idfacevc.errors import InputError

FAILED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE, TERMINATED = 1, 2, 130, 141, 143


class Terminated(BaseException):
    """SIGTERM: everything is put in order on the way out, then the process ends with status 143."""


def tolerant_streams() -> None:
    """Names that a console cannot show are shown with escapes, instead of ending a finished command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def status_of(error: BaseException, debug: bool) -> int:
    """Say in one line what happened, with the traceback before it where `debug`; the exit status that it means."""
    if isinstance(error, BrokenPipeError):  # who reads our output has seen enough
        _silence_stdout()
        return BROKEN_PIPE
    if debug:
        traceback.print_exception(error)
    if isinstance(error, Terminated):
        say("error", "terminated")
        return TERMINATED
    if isinstance(error, KeyboardInterrupt):
        say("error", "interrupted")
        return INTERRUPTED
    if isinstance(error, InputError):
        say("error", str(error))
        return BAD_INPUT
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        _silence_stdout()
    say("error", _words(error))
    return FAILED


def say(kind: str, message: str) -> None:
    """One line on standard error."""
    try:
        print(f"idfacevc: {kind}: {' '.join(message.split())}", file=sys.stderr)
    except OSError:  # nobody listens there
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  for what is still printed until the end


def _words(error: BaseException) -> str:
    if isinstance(error, OSError):
        names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
        return ": ".join([*names, error.strerror or str(error) or type(error).__name__])
    if isinstance(error, MemoryError) or "out of memory" in str(error) or "not enough memory" in str(error):
        return "there is not enough memory"
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first} (a fault of the program or of a file; --debug shows where)"


def _silence_stdout() -> None:
    """Nothing more can be written there, not even at the interpreter's end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

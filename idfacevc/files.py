"""Files that a user names: plain ones as they are, pipes through a temporary copy, all else refused in one line."""

from __future__ import annotations

import os
import select
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idfacevc.errors import InputError

_PATIENCE = 60.0  # seconds that a pipe may stay silent before its first byte
_BLOCK = 1 << 20


@contextmanager
def readable(path: str | os.PathLike[str], kind: str) -> Iterator[Path]:
    """A file that can be read and searched, as a path that holds something.

    A pipe (a FIFO, `/dev/stdin`, the shell's `<(...)`) is copied to a temporary file that goes with the block.

    Args:
        kind: What is expected, for the message: "recording", "picture", "table".
    Raises:
        InputError: for a path that is missing, empty, a folder, a device or a silent pipe, or that may not be read.
    """
    file = Path(path)
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{file}: is a folder, not a {kind}")
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        with _copy_of_pipe(file, kind) as copy:
            yield copy
        return
    if not stat.S_ISREG(mode):
        raise InputError(f"{file}: is a device or terminal, not a {kind}")
    if file.stat().st_size == 0:
        raise InputError(f"{file}: is empty")
    if not os.access(file, os.R_OK):
        raise InputError(f"{file}: may not be read")
    yield file


def make_folder(folder: Path) -> None:
    """Make a folder for results before the work, so that one that cannot be written costs nothing.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder}: cannot be written")


def distinct(output: str | os.PathLike[str], *sources: object) -> None:
    """`InputError` where `output` is one of the files that are read; what is no path, or missing, is passed over."""
    for source in sources:
        if isinstance(source, (str, os.PathLike)) and _same(output, source):
            raise InputError(f"{os.fspath(output)}: would overwrite what is read; give another name to write")


def _same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):  # one of them is not there
        return False


@contextmanager
def _copy_of_pipe(pipe: Path, kind: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="idfacevc-") as folder:
        copy = Path(folder) / f"piped{pipe.suffix[:16]}"
        try:
            with copy.open("wb") as target:
                for block in _blocks(pipe):
                    target.write(block)
        except OSError as error:
            raise InputError(f"{pipe}: the pipe cannot be read ({error.strerror or error})") from error
        if copy.stat().st_size == 0:
            raise InputError(f"{pipe}: nothing came through the pipe; a {kind} was expected")
        yield copy


def _blocks(pipe: Path) -> Iterator[bytes]:
    # Opened without waiting, since a FIFO that nobody writes to would never open.
    handle = os.open(pipe, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not select.select([handle], [], [], _PATIENCE)[0]:
            return
        os.set_blocking(handle, True)
        while block := os.read(handle, _BLOCK):
            yield block
    finally:
        os.close(handle)

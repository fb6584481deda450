"""Files that a user names.

Reading takes plain ones as they are, pipes through a temporary copy, and refuses all else in one line. What is written
is complete or absent under its name.
"""

from __future__ import annotations

import csv
import errno
import os
import secrets
import select
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from idfacevc.errors import InputError

_PATIENCE = 60.0  # seconds that a pipe may stay silent before its first byte
_BLOCK = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


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


def read_yaml(path: str | os.PathLike[str], loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> dict[str, Any]:
    """The mapping that a YAML file of plain values holds; for any other file an `InputError`."""
    with readable(path, "YAML file") as file:
        content = file.read_bytes()
    try:
        values = yaml.load(content, loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: odd encodings and numbers
        raise InputError(f"{os.fspath(path)}: is no plain YAML file ({' '.join(str(error).split())[:120]})") from error
    if not isinstance(values, dict):
        raise InputError(f"{os.fspath(path)}: is no YAML file of settings")
    return values


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


def check_writable(path: str | os.PathLike[str]) -> None:
    """`InputError` where a look tells that no file can be written; nothing is made."""
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{target}: is a folder")
    existing = next(folder for folder in target.absolute().parents if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{target}: cannot be written in {existing}")


def read_table(path: str | os.PathLike[str], delimiter: str = ",") -> tuple[list[str], list[dict[str, Any]]]:
    """Column names and rows of a table in UTF-8 with a header line.

    Args:
        delimiter: "," for CSV; with a tab, quotes are characters like any other.
    Raises:
        InputError: for what `readable` refuses, other encodings and broken quotes.
    """
    options: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if delimiter == "\t" else {}
    csv.field_size_limit(2**31 - 1)  # a text of a whole book is one field
    try:
        with readable(path, "table") as table, table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=delimiter, **options)
            rows = list(reader)
            return list(reader.fieldnames or ()), rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not a table in UTF-8 ({error})") from error


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside `target` that takes its place if the block succeeds and vanishes if it does not.

    Raises:
        InputError: where the folder cannot be written.
        OSError: with the target's name, where there is no more room; libraries say that in many ways.
    """
    temporary = target.with_name(f".{secrets.token_hex(8)}{target.suffix[:16]}")
    with _clear_os_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        mode = temporary.stat().st_mode  # the umask's, which not every library that writes files respects
    try:
        try:
            yield temporary
        except Exception as error:
            _refuse_without_room(temporary, target, error)
            raise
        with _clear_os_error(target):
            temporary.chmod(mode)
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is complete or absent under its name; errors are those of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def _refuse_without_room(temporary: Path, target: Path, error: Exception) -> None:
    """Try to write a little more: where that fails, this was the reason of `error`."""
    try:
        with temporary.open("ab") as file:
            file.write(bytes(_BLOCK))
    except OSError as fault:
        raise OSError(fault.errno, fault.strerror, str(target)) from error


@contextmanager
def temporary_room() -> Iterator[None]:
    """A full disk in the block is one of temporary files, and the error says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename:
            raise
        raise OSError(error.errno, error.strerror, f"temporary files in {tempfile.gettempdir()}") from error


@contextmanager
def _clear_os_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def _copy_of_pipe(pipe: Path, kind: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="idfacevc-") as folder:
        copy = Path(folder) / f"piped{pipe.suffix[:16]}"
        with temporary_room(), copy.open("wb") as target:
            for block in _blocks(pipe):
                target.write(block)
        if copy.stat().st_size == 0:
            raise InputError(f"{pipe}: nothing came through the pipe; a {kind} was expected")
        yield copy


def _blocks(pipe: Path) -> Iterator[bytes]:
    # Opened without waiting, since a FIFO that nobody writes to would never open.
    try:
        handle = os.open(pipe, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise InputError(f"{pipe}: the pipe cannot be read ({error.strerror or error})") from error
    try:
        if not select.select([handle], [], [], _PATIENCE)[0]:
            return
        os.set_blocking(handle, True)
        while block := os.read(handle, _BLOCK):
            yield block
    finally:
        os.close(handle)

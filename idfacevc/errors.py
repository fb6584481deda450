"""The one kind of error that a user's input can cause: its message is a single line that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something given by the user cannot be used. The message names the thing, the fault and what to do."""


@contextmanager
def optional(module: str, message: str) -> Iterator[None]:
    """The imports inside the block are of a package that may not be installed.

    Args:
        module: Top-level name of the package.
        message: Of the `InputError` raised where it is not installed. A package that is installed but cannot be
            imported is reported as that, with the reason.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == module:
            raise InputError(message) from error
        raise InputError(f"{module} is installed, but something that it needs is not: {error}") from error
    except ImportError as error:
        raise InputError(f"{module} is installed, but cannot be imported: {error}") from error

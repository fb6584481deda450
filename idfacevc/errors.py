"""The one kind of error that a user's input can cause: its message is a single line that says what is wrong."""

from __future__ import annotations


class InputError(ValueError):
    """Something given by the user cannot be used. The message names the thing, the fault and what to do."""

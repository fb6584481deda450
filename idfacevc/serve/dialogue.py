"""A script of lines "NAME: words", and the track that they become."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from idfacevc.errors import InputError
from idfacevc.serve.model import Take

_PAUSE = 0.4  # seconds between two lines


@dataclass(frozen=True)
class Line:
    """What one of the cast says; `name` is written as in the cast."""

    name: str
    words: str


def lines_of(script: str, cast: Collection[str]) -> list[Line]:
    """The lines of a script; empty ones are passed over, and case does not matter in names.

    Raises:
        InputError: for a line without a name or words, a name that is not in the cast, and a script without lines.
    """
    known = {name.casefold(): name for name in cast}
    lines = []
    for number, text in enumerate(script.splitlines(), start=1):
        if not text.strip():
            continue
        name, colon, words = (part.strip() for part in text.partition(":"))
        if not colon or not name or not words:
            raise InputError(f'line {number}: is not of the form "NAME: words"')
        if name.casefold() not in known:
            raise InputError(f"line {number}: {name[:40]} has no portrait; there are: {', '.join(cast) or 'none'}")
        lines.append(Line(known[name.casefold()], words))
    if not lines:
        raise InputError('the script is empty; write lines of the form "NAME: words"')
    return lines


def joined(takes: Sequence[Take]) -> Take:
    """Takes of one rate, one after the other with a pause between two."""
    pause = np.zeros(round(_PAUSE * takes[0].rate), np.float32)
    parts = [part for take in takes for part in (pause, *take.pieces)]
    return replace(takes[0], pieces=parts[1:])

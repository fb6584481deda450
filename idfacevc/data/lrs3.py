"""Speakers of LRS3 as the lists of FVMVC name them: an id, for some a clip, and the gender."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from idfacevc.errors import InputError

# An id is a YouTube one: always 11 characters, which may be hyphens themselves.
_SPEAKER = re.compile(r"([A-Za-z0-9_-]{11})(?:-([0-9]+))?-([FM])")


@dataclass(frozen=True)
class Speaker:
    """One line of a list. `clip` is empty where the line names none."""

    id: str
    clip: str
    gender: Literal["f", "m"]


def parse_speaker(line: str) -> Speaker:
    """The speaker of a line such as "sxnlvwprfSc-00002-M" or "ZJNESMhIxQ0-F".

    Raises:
        InputError: for any other line.
    """
    found = _SPEAKER.fullmatch(line.strip())
    if found is None:
        raise InputError(f"{line.strip()!r}: is no speaker; write an id of 11 characters, -CLIP if any, and -F or -M")
    return Speaker(found[1], found[2] or "", cast(Literal["f", "m"], found[3].lower()))


def parse_speakers(text: str) -> list[Speaker]:
    """The speakers of a list, one a line; blank lines are skipped."""
    return [parse_speaker(line) for line in text.splitlines() if line.strip()]

"""Public trial lists of face-voice association (Learnable PINs, as CMPC ships them) and names of clips.

Faces are named by person, voices by person or VoxCeleb number: whoever scores a list joins them to files by itself.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from idfacevc.errors import InputError

HEADER = ("id", "voice-speaker-id", "face-speaker-id", "label", "voice-path", "face-path")
_ASSISTANTS = "Zz_"  # Alexa, Google, Siri: no faces
_ID = 11  # characters of a YouTube id, among which "_" and "-" occur


@dataclass(frozen=True)
class Trial:
    """Does the voice belong to the face? Speakers are numbers of the list; paths are as it names them."""

    voice_speaker: str
    face_speaker: str
    same: bool
    voice: str
    face: str


def read_trials(path: str | os.PathLike[str]) -> list[Trial]:
    """A verification list: comma-separated, with the header `HEADER`.

    Raises:
        InputError: for another header or row, and a label that contradicts the speakers.
    """
    with _opened(path) as file:
        rows = list(csv.reader(file))
    if not rows or tuple(rows[0]) != HEADER:
        raise InputError(f"{path}: its first line is not {','.join(HEADER)}")
    trials = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(HEADER) or row[3] not in ("0", "1") or (row[1] == row[2]) != (row[3] == "1"):
            raise InputError(f"{path}, line {number}: is no trial")
        trials.append(Trial(row[1], row[2], row[3] == "1", row[4], row[5]))
    return [trial for trial in trials if not _assistant(trial.voice) and not _assistant(trial.face)]


def read_matching(path: str | os.PathLike[str]) -> list[tuple[str, str, str]]:
    """A 1:2 matching list: probe, the one that belongs to it, and one that does not, separated by spaces."""
    with _opened(path) as file:
        rows = [tuple(line.split()) for line in file if line.strip()]
    if wrong := next((number for number, row in enumerate(rows, start=1) if len(row) != 3), None):
        raise InputError(f"{path}, line {wrong}: does not name a probe and two candidates")
    return [(row[0], row[1], row[2]) for row in rows if not any(map(_assistant, row))]


def avspeech_id(stem: str) -> tuple[str, str]:
    """YouTube id and time of an AVSpeech clip's stem; the id is cut by its length, as any character may occur in it.

    Raises:
        InputError: for a stem that is too short or whose id is not followed by "_".
    """
    if len(stem) <= _ID + 1 or stem[_ID] != "_":
        raise InputError(f"{stem!r}: is no AVSpeech clip, whose name is an id of {_ID} characters, _ and a time")
    return stem[:_ID], stem[_ID + 1 :]


def _assistant(path: str) -> bool:
    return any(part.startswith(_ASSISTANTS) for part in path.split("/"))


def _opened(path: str | os.PathLike[str]) -> TextIO:
    try:
        return Path(path).open(newline="", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error

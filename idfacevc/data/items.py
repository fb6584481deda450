"""What is to be prepared: one item a clip, its audio and its face, each a file or a member of a zip archive."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from idfacevc.errors import InputError

MEMBER = "::"


@dataclass(frozen=True)
class Item:
    """One clip to prepare.

    Attributes:
        id: unique name.
        speaker: identity; empty where unknown.
        split: "train" or "valid".
        audio, face: file paths, or "archive.zip::member"; empty where the clip has none.
        aligned: the face picture already is an aligned crop.
        gender: "f", "m" or empty; age: years or an age bin, as text; text: transcript. Labels only.
    """

    id: str
    speaker: str
    split: str = "train"
    audio: str = ""
    face: str = ""
    aligned: bool = False
    gender: str = ""
    age: str = ""
    text: str = ""


def open_member(path: str) -> BinaryIO:
    """Open a file, or a member of an uncompressed or compressed zip ("archive.zip::member")."""
    archive, separator, member = path.partition(MEMBER)
    if not separator:
        return open(path, "rb")
    return io.BytesIO(_archive(archive).read(member))


@lru_cache(maxsize=16)
def _archive(path: str) -> zipfile.ZipFile:
    """Open archives stay open: reading a directory of thousands of names costs more than reading a member."""
    return zipfile.ZipFile(path)


def audio_source(path: str) -> str | tuple[np.ndarray, int]:
    """What `audio.io.load_audio` takes for an item's audio: the path, or the decoded member of an archive."""
    if MEMBER not in path:
        return path
    import soundfile

    with open_member(path) as handle:
        return soundfile.read(handle, dtype="float32")


def read_folder(table: Path) -> list[Item]:
    """Items of a TSV with the columns face, audio, speaker and, optionally, id, split, gender, age, text.

    Relative paths count from the table's folder.
    """
    if not table.is_file():
        raise InputError(f"{table} is not a file: give a TSV with the columns face, audio and speaker")
    with table.open(newline="", encoding="utf-8") as handle:
        rows = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = {"face", "audio", "speaker"} - set(rows.fieldnames or ())
        if missing:
            raise InputError(f"{table} lacks the column {', '.join(sorted(missing))}")
        items = []
        for number, row in enumerate(rows):

            def locate(value: str | None) -> str:
                return str(table.parent / value) if value else ""

            items.append(
                Item(
                    id=row.get("id") or f"{row['speaker']}-{number:06d}",
                    speaker=row["speaker"],
                    split=row.get("split") or "train",
                    audio=locate(row["audio"]),
                    face=locate(row["face"]),
                    gender=row.get("gender") or "",
                    age=row.get("age") or "",
                    text=row.get("text") or "",
                )
            )
    if len({item.id for item in items}) < len(items):
        raise InputError(f"{table} names an id twice")
    return items

"""What is to be prepared: one item a clip, its audio and its face, each a file or a member of a zip archive."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from idfacevc.errors import InputError
from idfacevc.face.image import VIDEO_SUFFIXES

MEMBER = "::"
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Item:
    """One clip to prepare.

    Attributes:
        id: unique name.
        speaker: identity; empty where unknown.
        split: one of `SPLITS`; "test" is prepared and never trained on.
        audio, face: file paths, or "archive.zip::member"; empty where the clip has none. A face may be a folder of
            pictures.
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


def read_folder(source: Path) -> list[Item]:
    """Items of a folder of videos, or of a table of clips.

    In a folder every speaker has a folder of videos, at any depth; a twentieth of the clips, drawn by their names,
    validates. A table is a TSV with the columns face, audio, speaker and, optionally, id, split, gender, age, text; its
    paths count from its folder, and a face may be a picture, a video or a folder of pictures.

    Raises:
        InputError: for what is neither, a folder without videos, and a table that lacks a column, names an id twice or
            a split that is none.
    """
    if source.is_dir():
        return _videos(source)
    if not source.is_file():
        raise InputError(f"{source}: give a folder SPEAKER/CLIP.mp4, or a TSV with the columns face, audio and speaker")
    try:
        return _rows(source)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{source}: is no table in UTF-8") from error


def _videos(folder: Path) -> list[Item]:
    items = []
    for path in sorted(folder.glob("*/**/*")):
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith("."):
            name = path.relative_to(folder).as_posix()
            split = "valid" if zlib.crc32(name.encode()) % 20 == 0 else "train"
            items.append(Item(name, name.split("/")[0], split, audio=str(path), face=str(path)))
    if not items:
        raise InputError(f"{folder}: holds no videos SPEAKER/CLIP.mp4")
    return items


def _rows(table: Path) -> list[Item]:
    def locate(value: str | None) -> str:
        return str(table.parent / value) if value else ""

    items = []
    with table.open(newline="", encoding="utf-8-sig") as handle:
        rows = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = {"face", "audio", "speaker"} - set(rows.fieldnames or ())
        if missing:
            raise InputError(f"{table} lacks the column {', '.join(sorted(missing))}")
        for number, row in enumerate(rows):
            split = row.get("split") or "train"
            if split not in SPLITS:
                raise InputError(f"{table}, row {number + 1}: {split!r} is no split; there are {', '.join(SPLITS)}")
            items.append(
                Item(
                    id=row.get("id") or f"{row['speaker']}-{number:06d}",
                    speaker=row["speaker"] or "",
                    split=split,
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

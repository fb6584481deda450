"""Items of a folder of videos or of a table of clips."""

from __future__ import annotations

import zlib
from pathlib import Path

from idfacevc.data.corpora.item import SPLITS, Item
from idfacevc.errors import InputError
from idfacevc.face.image import VIDEO_SUFFIXES
from idfacevc.files import read_table


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
    if not source.exists():
        raise InputError(f"{source}: give a folder SPEAKER/CLIP.mp4, or a TSV with the columns face, audio and speaker")
    return _rows(source)


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
    names, rows = read_table(table, "\t")
    if missing := {"face", "audio", "speaker"} - set(names):
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

"""Lists of what to convert (PAIRS) and of what was converted (OUTPUTS): read and checked before any work is done."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.files import read_table, replacing

REQUIRED = ("face", "reference", "target", "source_speaker")
SPOKEN = "base speaker"  # stands for the source speaker of a text
COLUMNS = ("source", "say", *REQUIRED, "transcript")
CONDITIONS = (*COLUMNS, "condition", "face_gender", "face_age", "aligned")  # of a test set with several parts


@dataclass(frozen=True)
class Pair:
    """One row.

    Attributes:
        source: Recording to convert; empty for a text.
        say: Text to speak; empty for a recording.
        face: Picture of the target.
        reference: True speech of the target; empty where nobody knows it and `face_gender` says what is wanted.
        target, source_speaker: Speaker names. The source speaker of a text may be left empty: `SPOKEN`.
        transcript: The words of the source, for a text the text itself; empty where unknown.
        output: Converted audio; empty in PAIRS.
        condition: Name of the part of the test set. Each part has rows of its own in the tables.
        face_gender: Wanted gender, "f" or "m"; empty: the gender that is heard in the references.
        face_age: Age group of the face, any name; empty where unknown.
        aligned: "yes" where the picture is a crop as the face backbone wants it: no face is searched.
    """

    source: str
    say: str
    face: str
    reference: str
    target: str
    source_speaker: str
    transcript: str
    output: str = ""
    condition: str = ""
    face_gender: str = ""
    face_age: str = ""
    aligned: str = ""

    @property
    def utterance(self) -> str:
        """Name of the source, equal in all its conversions."""
        return self.source or f"say: {self.say}"


def read_pairs(table: Path) -> list[Pair]:
    """Rows of PAIRS: one of `source` and `say`, and `REQUIRED`; relative paths count from the table's folder.

    Raises:
        InputError: The table cannot be read, lacks a column or holds no row; or a row lacks a value, repeats another
            row, or names a file that is missing or is not audio.
    """
    pairs = _read(table, with_output=False)
    keys = [(pair.utterance, pair.face, pair.target, pair.condition) for pair in pairs]
    _refuse_twice(table, keys, "the same source, face and target")
    for line, pair in enumerate(pairs, 2):
        if not Path(pair.face).is_file():
            raise InputError(f"{table}, line {line}: face {pair.face}: no such file")
    return pairs


def read_outputs(table: Path) -> list[Pair]:
    """Rows of OUTPUTS: the columns of PAIRS and `output`. Faces only tell pictures apart; their files may be missing.

    Raises:
        InputError: As in `read_pairs`; also where two rows name one output.
    """
    pairs = _read(table, with_output=True)
    _refuse_twice(table, [pair.output for pair in pairs], "the same output")
    return pairs


def write_pairs(table: Path, pairs: Sequence[Pair], columns: Sequence[str] = COLUMNS) -> None:
    """Write a list that `read_pairs` (or, with the column `output`, `read_outputs`) reads."""
    with replacing(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE)
        writer.writerow(columns)
        writer.writerows([getattr(pair, column) for column in columns] for pair in pairs)


def _read(table: Path, with_output: bool) -> list[Pair]:
    names, read = read_table(table, "\t")
    rows = [{key: (value or "").strip() for key, value in row.items() if isinstance(key, str)} for row in read]
    columns = set(names)
    needed = {*REQUIRED, "output"} if with_output else set(REQUIRED)
    if missing := sorted(needed - columns):
        raise InputError(f"{table}: lacks the column {', '.join(missing)}")
    if not columns & {"source", "say"}:
        raise InputError(f"{table}: lacks the column source (audio) or say (text)")
    if not rows:
        raise InputError(f"{table}: holds no rows")
    pairs = [_pair(table, line, row, needed) for line, row in enumerate(rows, 2)]
    _check_audio(table, pairs)
    return pairs


def _pair(table: Path, line: int, row: dict[str, str], needed: set[str]) -> Pair:
    where = f"{table}, line {line}"
    source, say = row.get("source", ""), row.get("say", "")
    speaker = row["source_speaker"] or (SPOKEN if say else "")
    gender = row.get("face_gender", "")
    wanted = needed - {"reference"} if gender else needed
    if empty := sorted(key for key in wanted if not (row | {"source_speaker": speaker})[key]):
        raise InputError(f"{where}: has no {', '.join(empty)}")
    if bool(source) == bool(say):
        raise InputError(f"{where}: give one of source (audio) and say (text)")
    if gender not in ("", "f", "m"):
        raise InputError(f"{where}: face_gender is f or m, not {gender}")
    if (aligned := row.get("aligned", "")) not in ("", "yes"):
        raise InputError(f"{where}: aligned is yes or empty, not {aligned}")

    def locate(value: str) -> str:
        return str(table.parent / value) if value else ""

    return Pair(
        source=locate(source),
        say=say,
        face=locate(row["face"]),
        reference=locate(row["reference"]),
        target=row["target"],
        source_speaker=speaker,
        transcript=row.get("transcript", "") or say,
        output=locate(row["output"]) if "output" in needed else "",
        condition=row.get("condition", ""),
        face_gender=gender,
        face_age=row.get("face_age", ""),
        aligned=aligned,
    )


def _check_audio(table: Path, pairs: Sequence[Pair]) -> None:
    """Decode every file once, so that a fault is found before hours of conversions and is told with its line."""
    known: set[str] = set()
    for line, pair in enumerate(pairs, 2):
        for role in ("source", "reference", "output"):
            path = getattr(pair, role)
            if path and path not in known:
                known.add(path)
                try:
                    load_audio(path, SAMPLE_RATE)
                except InputError as error:
                    raise InputError(f"{table}, line {line}: {role} {error}") from error


def _refuse_twice(table: Path, keys: Sequence[object], what: str) -> None:
    lines: dict[object, int] = {}
    for line, key in enumerate(keys, 2):
        if key in lines:
            raise InputError(f"{table}, line {line}: names {what} as line {lines[key]}")
        lines[key] = line

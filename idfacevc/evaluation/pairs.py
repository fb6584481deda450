"""Lists of what to convert (PAIRS) and of what was converted (OUTPUTS): read and checked before any work is done."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.files import readable, replacing

REQUIRED = ("face", "reference", "target", "source_speaker")
SPOKEN = "base speaker"  # stands for the source speaker of a text
COLUMNS = ("source", "say", *REQUIRED, "transcript")


@dataclass(frozen=True)
class Pair:
    """One row.

    Attributes:
        source: recording that is or was converted; empty for a text.
        say: text that is or was spoken; empty for a recording.
        face: picture of the target.
        reference: true speech of the target.
        target, source_speaker: speaker names; the source speaker of a text may be left empty: `SPOKEN`.
        transcript: what is said, the text itself for `say`; empty where unknown.
        output: converted audio; empty in PAIRS.
    """

    source: str
    say: str
    face: str
    reference: str
    target: str
    source_speaker: str
    transcript: str
    output: str = ""

    @property
    def utterance(self) -> str:
        """What all conversions of one source share."""
        return self.source or f"say: {self.say}"


def read_pairs(table: Path) -> list[Pair]:
    """Rows of PAIRS: one of `source` and `say`, and `REQUIRED`; relative paths count from the table's folder.

    Raises:
        InputError: for a table that cannot be read, lacks a column or holds no row, and a row that lacks a value, names
            a file that is not there or is not audio, or repeats another.
    """
    pairs = _read(table, with_output=False)
    _refuse_twice(
        table, [(pair.utterance, pair.face, pair.target) for pair in pairs], "the same source, face and target"
    )
    for line, pair in enumerate(pairs, 2):
        if not Path(pair.face).is_file():
            raise InputError(f"{table}, line {line}: face {pair.face}: no such file")
    return pairs


def read_outputs(table: Path) -> list[Pair]:
    """Rows of OUTPUTS: those of PAIRS with `output`. The faces only tell pictures apart and need not be there.

    Raises:
        InputError: as `read_pairs`, and for an output that two rows name.
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
    try:
        with readable(table, "table") as file, file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows = [
                {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)} for row in reader
            ]
            columns = set(reader.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: is not a table of tab-separated text ({error})") from error
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
    if empty := sorted(key for key in needed if not (row | {"source_speaker": speaker})[key]):
        raise InputError(f"{where}: has no {', '.join(empty)}")
    if bool(source) == bool(say):
        raise InputError(f"{where}: give one of source (audio) and say (text)")

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
    )


def _check_audio(table: Path, pairs: Sequence[Pair]) -> None:
    """Decode every file once: a fault is found before hours of conversions, and told with its line."""
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

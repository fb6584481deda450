"""Read the demo's corpora folder: speech and face tables beside uncompressed zip archives of the files they name."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from idfacevc.data.corpora.item import MEMBER
from idfacevc.errors import InputError

ADULT = 16  # years
SPEECH_ARCHIVES = {
    "speechocean762": ("speech-adults.zip", "speech-children.zip"),
    "librispeech": ("speech-librispeech.zip",),
    "picovoice": ("speech-picovoice.zip",),
    "kokoro": ("speech-kokoro.zip",),
}


@dataclass(frozen=True)
class Utterance:
    """One row of speech.tsv. `gender` is "f", "m" or ""; where the corpus does not say, `age` (years) is None and
    `speaker` is empty."""

    id: str
    corpus: str
    speaker: str
    gender: str
    age: float | None
    split: str
    seconds: float
    path: str
    text: str


@dataclass(frozen=True)
class FaceRow:
    """One row of faces-*.tsv: picture, gender "f" or "m", age bin. `race` serves reports of subgroup gaps only."""

    path: str
    gender: str
    age: str
    race: str


def read_corpus_table(table: Path) -> Iterator[dict[str, str]]:
    """Rows of one of the corpora's tables, by column."""
    if not table.is_file():
        raise InputError(f"{table} is missing: give the folder that holds the speech and face tables (--corpora)")
    with table.open(newline="", encoding="utf-8") as handle:
        yield from csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)


def kept_out(corpus: str, speaker: str) -> bool:
    """Whether a speaker is kept for tests: a fifth of LibriSpeech's, of whom the corpora split none off."""
    return corpus == "librispeech" and zlib.crc32(speaker.encode()) % 5 == 0


def read_utterances(corpora: Path) -> list[Utterance]:
    """All rows of speech.tsv, in file order."""
    return _utterances(corpora / "speech.tsv")


def recording_of(corpora: Path, one: Utterance) -> str:
    """Where an utterance lies. Of a corpus with two archives the first holds grown speakers."""
    archives = SPEECH_ARCHIVES[one.corpus]
    archive = archives[-1] if one.age is not None and one.age < ADULT else archives[0]
    return f"{corpora / archive}{MEMBER}{one.path}"


def read_parallel(corpora: Path) -> list[Utterance]:
    """All rows of speech-kokoro.tsv, in file order; none where that table is missing."""
    table = corpora / "speech-kokoro.tsv"
    return _utterances(table) if table.is_file() else []


def _utterances(table: Path) -> list[Utterance]:
    return [
        Utterance(
            id=row["id"],
            corpus=row["corpus"],
            speaker=row["speaker"],
            gender=row["gender"],
            age=float(row["age"]) if row["age"] else None,
            split=row["split"],
            seconds=float(row["seconds"]),
            path=row["path"],
            text=row["text"],
        )
        for row in read_corpus_table(table)
    ]


def read_faces(corpora: Path, split: str) -> list[FaceRow]:
    """All rows of faces-<split>.tsv, in file order; `split` is "train" or "valid"."""
    return [FaceRow(**row) for row in read_corpus_table(corpora / f"faces-{split}.tsv")]

"""The demo's test set: recordings and faces that no training saw, as a list for `idfacevc evaluate run`.

The corpora hold nobody's face and voice together. The list therefore names no true speech of its targets: it says which
gender a face has, and the tables that need true speech are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from idfacevc.backbones.tower import GENDERS
from idfacevc.data.corpora.item import MEMBER, open_member
from idfacevc.evaluation.metrics.base import SEED
from idfacevc.evaluation.metrics.sentences import MAX_SENTENCES, spoken_words
from idfacevc.evaluation.pairs import CONDITIONS, SPOKEN, Pair, write_pairs
from recipes.demo.corpora import ADULT, FaceRow, kept_out, read_faces, read_utterances, recording_of

NATIVE, ACCENTED, TEXT, CROPS = "native recordings", "accented recordings", "text", "other crops"
AGES = ("20-29", "30-39", "40-49", "50-59")
SOURCES = 12  # of each condition, unless told otherwise
_SHORTEST = 4.0  # seconds of a native recording


@dataclass(frozen=True)
class Recording:
    """Real speech.

    Attributes:
        clip: Place of the file, "archive.zip::member".
        text: Transcript; empty where the corpus gives none.
    """

    id: str
    clip: str
    speaker: str
    gender: str
    age: float | None
    seconds: float
    text: str


def write_test_set(corpora: Path, folder: Path, sources: int = SOURCES) -> Path:
    """Write the list demo.tsv, its recordings and its pictures into `folder`; returns the list.

    Every source is converted to four faces, two women and two men of one decade, so that each condition tells people of
    one group apart. Conditions: `NATIVE` and `ACCENTED` recordings, `TEXT` (the sentences of the accented recordings,
    spoken by the base speaker), and `CROPS` (eight faces, each in five pictures).

    Args:
        corpora: Folder of the demo's speech and faces.
        sources: Sources of each condition, at most `MAX_SENTENCES`.
    """
    recordings, pictures = folder / "recordings", folder / "faces"
    for own in (recordings, pictures):
        own.mkdir(parents=True, exist_ok=True)
    native, accented = native_sources(corpora)[:sources], accented_sources(corpora)[:sources]
    cells = faces_by_cell(corpora)
    pairs: list[Pair] = []
    for condition, own_sources in ((NATIVE, native), (ACCENTED, accented), (TEXT, accented)):
        for number, source in enumerate(own_sources):
            for row in _four_faces(cells, number):
                face = _write_picture(pictures / f"{Path(row.path).stem}.png", read_face(corpora, row.path))
                pair = Pair(
                    source=_write_recording(recordings, source),
                    say="",
                    face=face,
                    reference="",
                    target=Path(row.path).stem,
                    source_speaker=source.speaker,
                    transcript=source.text,
                    condition=condition,
                    face_gender=row.gender,
                    face_age=row.age,
                    aligned="yes",
                )
                if condition == TEXT:
                    pair = replace(pair, source="", say=source.text, source_speaker=SPOKEN)
                pairs.append(pair)
    for number, row in enumerate(own[-1] for own in cells.values()):
        source, image = native[number % len(native[:2])], read_face(corpora, row.path)
        for name, crop in {"": image, **crop_variants(image)}.items():
            stem = Path(row.path).stem
            pairs.append(
                Pair(
                    source=_write_recording(recordings, source),
                    say="",
                    face=_write_picture(pictures / f"{stem}{name and '-'}{name}.png", crop),
                    reference="",
                    target=stem,
                    source_speaker=source.speaker,
                    transcript="",
                    condition=CROPS,
                    face_gender=row.gender,
                    face_age=row.age,
                    aligned="yes",
                )
            )
    table = folder / "demo.tsv"
    write_pairs(table, pairs, CONDITIONS)
    return table


def _four_faces(cells: dict[tuple[str, str], list[FaceRow]], number: int) -> list[FaceRow]:
    """Two women and two men of one decade: fresh ones for each number, decades in turn for both genders of sources."""
    age = AGES[number // 2 % len(AGES)]
    start = 2 * (number // (2 * len(AGES)) * 2 + number % 2)
    return list(chain.from_iterable(cells[gender, age][start : start + 2] for gender in GENDERS))


def _write_recording(folder: Path, recording: Recording) -> str:
    """A copy of the file as it is; returns its path from the list's folder."""
    path = folder / f"{recording.id}{Path(recording.clip).suffix}"
    if not path.exists():
        with open_member(recording.clip) as handle:
            path.write_bytes(handle.read())
    return f"{folder.name}/{path.name}"


def _write_picture(path: Path, image: np.ndarray) -> str:
    Image.fromarray(image).save(path)
    return f"{path.parent.name}/{path.name}"


def faces_by_cell(corpora: Path) -> dict[tuple[str, str], list[FaceRow]]:
    """Validation faces of adults under 60 by gender and age, each cell in a fixed random order."""
    rng = np.random.default_rng(SEED)
    rows = [row for row in read_faces(corpora, "valid") if row.age in AGES]
    order = [rows[index] for index in rng.permutation(len(rows))]
    return {
        (gender, age): [row for row in order if (row.gender, row.age) == (gender, age)]
        for age in AGES
        for gender in GENDERS
    }


def native_sources(corpora: Path) -> list[Recording]:
    """One recording of each speaker of LibriSpeech who is kept out of training, genders in turn, short ones first."""
    rows = [
        row
        for row in read_recordings(corpora, "librispeech", "train")
        if row.seconds >= _SHORTEST and kept_out("librispeech", row.speaker)
    ]
    rows.sort(key=lambda row: (row.seconds, row.id))
    own = [[row for row in rows if row.gender == gender] for gender in GENDERS]
    return list(chain.from_iterable(zip(*own, strict=False)))


def accented_sources(corpora: Path) -> list[Recording]:
    """One recording of each of 60 held-out adults, each of other four to twelve words, genders in turn."""
    held_out = held_out_adults(corpora)
    chosen: dict[str, list[Recording]] = {gender: [] for gender in GENDERS}
    speakers: set[str] = set()
    texts: set[str] = set()
    for index in np.random.default_rng(SEED).permutation(len(held_out)):
        recording = held_out[index]
        text = spoken_words(recording.text)
        if recording.speaker in speakers or text in texts or not 4 <= len(text.split()) <= 12:
            continue
        if len(chosen[recording.gender]) < MAX_SENTENCES // 2:
            chosen[recording.gender].append(recording)
            speakers.add(recording.speaker)
            texts.add(text)
    return list(chain.from_iterable(zip(chosen["f"], chosen["m"], strict=True)))


def held_out_adults(corpora: Path) -> list[Recording]:
    """Recordings of the adults of speechocean762 whom no part of the demo model was trained on."""
    return [
        row for row in read_recordings(corpora, "speechocean762", "valid") if row.age is not None and row.age >= ADULT
    ]


def read_recordings(corpora: Path, corpus: str, split: str) -> list[Recording]:
    """Labelled recordings of a corpus and split."""
    return [
        Recording(row.id, recording_of(corpora, row), row.speaker, row.gender, row.age, row.seconds, row.text)
        for row in read_utterances(corpora)
        if row.corpus == corpus and row.split == split and row.gender
    ]


def read_face(corpora: Path, path: str) -> np.ndarray:
    """One crop of the faces, "valid/17.jpg" or "train/17.jpg". Shape: (80, 80, 3) uint8."""
    archive = corpora / f"faces-{path.partition('/')[0]}.zip"
    with open_member(f"{archive}{MEMBER}{path}") as handle:
        return np.asarray(Image.open(handle).convert("RGB"))


def crop_variants(image: np.ndarray) -> dict[str, np.ndarray]:
    """The same person in four other pictures: mirrored, darker, turned by 10 degrees, 25 % larger. Shape: (H, H, 3)."""
    side = len(image)
    border = side // 4
    # Reflected margins, so that turning brings no black corners in.
    wide = Image.fromarray(np.pad(image, ((border, border), (border, border), (0, 0)), mode="reflect"))
    turned = wide.rotate(10, Image.Resampling.BICUBIC).crop((border, border, border + side, border + side))
    inset = side * 0.1  # 80 % of the side, enlarged back, is 25 % larger
    larger = Image.fromarray(image).resize(
        (side, side), Image.Resampling.BICUBIC, (inset, inset, side - inset, side - inset)
    )
    return {
        "mirror": np.ascontiguousarray(image[:, ::-1]),
        "darker": (image * 0.75).astype(np.uint8),
        "turned": np.asarray(turned),
        "larger": np.asarray(larger),
    }


def genders_of(recordings: Sequence[Recording]) -> dict[str, str]:
    """Gender by speaker."""
    return {recording.speaker: recording.gender for recording in recordings}

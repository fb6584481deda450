"""Which recordings and faces the demo model is judged by: drawn from the corpora folder by a fixed seed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from idfacevc.backbones.tower import GENDERS
from idfacevc.data.corpora.item import MEMBER, open_member
from idfacevc.evaluation.conversion import TargetFace
from idfacevc.evaluation.metrics.base import SEED
from idfacevc.evaluation.metrics.sentences import MAX_SENTENCES, spoken_words
from recipes.demo.corpora import SPEECH_ARCHIVES, FaceRow, Utterance, read_faces, read_utterances

AGES = ("20-29", "30-39", "40-49", "50-59")
GRID_FACES = 8  # a gender and age bin
CROP_FACES = 3  # a gender and age bin
NATIVE = 20
ADULT = 16  # years


@dataclass(frozen=True)
class Recording:
    """Real speech. `clip` is "archive.zip::member"; `text` is empty where the corpus gives none."""

    id: str
    clip: str
    speaker: str
    gender: str
    age: float | None
    seconds: float
    text: str


@dataclass(frozen=True, eq=False)
class FaceCase:
    """A labelled picture."""

    face: TargetFace
    gender: str
    age: str


@dataclass(frozen=True)
class Plan:
    """Everything that is measured.

    Attributes:
        sentences: transcripts of the closed set, always the same whatever the limit.
        sources: held-out speakers, one utterance each, genders alternating; `faces` and `random_faces` are one each.
        native: seen speakers whose recordings are clean and unaccented; for naturalness alone.
        grid: faces by gender and age bin; each is spoken by one male and one female source and one text.
        crop_faces: the first faces of each grid cell, which are also shown in other crops.
        others: up to ten further recordings of each held-out speaker, by speaker.
    """

    sentences: tuple[str, ...]
    sources: tuple[Recording, ...]
    faces: tuple[FaceCase, ...]
    random_faces: tuple[FaceCase, ...]
    native: tuple[Recording, ...]
    grid: tuple[FaceCase, ...]
    crop_faces: tuple[FaceCase, ...]
    others: dict[str, tuple[Recording, ...]]


def make_plan(corpora: Path, limit: int | None = None) -> Plan:
    """Draw the plan; `limit` keeps that many sources and shrinks the rest in proportion, for a quick look."""
    rng = np.random.default_rng(SEED)
    held_out = held_out_adults(corpora)
    sources = _sources(held_out, rng)
    native = _native(read_recordings(corpora, "librispeech", "train"), rng)
    rows = [row for row in read_faces(corpora, "valid") if row.age in AGES]
    cells = {
        (gender, age): [rows[i] for i in rng.permutation(len(rows)) if (rows[i].gender, rows[i].age) == (gender, age)]
        for age in AGES
        for gender in GENDERS
    }
    share = 1.0 if limit is None else min(1.0, limit / MAX_SENTENCES)
    # Four faces a cell are the fewest of which each half still holds a pair.
    grid_size, crop_size = max(4, round(GRID_FACES * share)), max(1, round(CROP_FACES * share))
    count = MAX_SENTENCES if limit is None else min(limit, MAX_SENTENCES)
    # Grid faces come from the front of each cell and those of the sources from behind it. Sources alternate in gender,
    # so faces change gender every two sources.
    order = islice(cycle([(gender, age) for age in AGES for gender in ("f", "f", "m", "m")]), MAX_SENTENCES)
    taken = dict.fromkeys(cells, GRID_FACES)
    faces = []
    for cell in order:
        faces.append(cells[cell][taken[cell]])
        taken[cell] += 1
    strangers = [rows[i] for i in rng.choice(len(rows), MAX_SENTENCES, replace=False)]
    others: dict[str, list[Recording]] = {}
    chosen = {source.id for source in sources}
    for recording in held_out:
        if recording.id not in chosen and len(own := others.setdefault(recording.speaker, [])) < 10:
            own.append(recording)
    return Plan(
        sentences=tuple(source.text for source in sources),
        sources=tuple(sources[:count]),
        faces=tuple(_case(corpora, row) for row in faces[:count]),
        random_faces=tuple(_case(corpora, row) for row in strangers[:count]),
        native=tuple(native[: max(4, round(NATIVE * share))]),
        grid=tuple(_case(corpora, row) for own in cells.values() for row in own[:grid_size]),
        crop_faces=tuple(_case(corpora, row) for own in cells.values() for row in own[:crop_size]),
        others={speaker: tuple(own) for speaker, own in others.items()},
    )


def read_recordings(corpora: Path, corpus: str, split: str) -> list[Recording]:
    """Labelled recordings of a corpus and split."""
    rows = [row for row in read_utterances(corpora) if row.corpus == corpus and row.split == split and row.gender]

    def clip(row: Utterance) -> str:
        adults, *children = SPEECH_ARCHIVES[row.corpus]
        name = children[0] if children and row.age is not None and row.age < ADULT else adults
        return f"{corpora / name}{MEMBER}{row.path}"

    return [Recording(row.id, clip(row), row.speaker, row.gender, row.age, row.seconds, row.text) for row in rows]


def held_out_adults(corpora: Path) -> list[Recording]:
    """Adults that no part of the demo model was trained on."""
    return [
        row for row in read_recordings(corpora, "speechocean762", "valid") if row.age is not None and row.age >= ADULT
    ]


def _sources(held_out: Sequence[Recording], rng: np.random.Generator) -> list[Recording]:
    """One recording a speaker with a sentence of four to twelve words of its own, female and male in turn."""
    chosen: dict[str, list[Recording]] = {gender: [] for gender in GENDERS}
    speakers: set[str] = set()
    texts: set[str] = set()
    for index in rng.permutation(len(held_out)):
        recording = held_out[index]
        text = spoken_words(recording.text)
        if recording.speaker in speakers or text in texts or not 4 <= len(text.split()) <= 12:
            continue
        if len(chosen[recording.gender]) < MAX_SENTENCES // 2:
            chosen[recording.gender].append(recording)
            speakers.add(recording.speaker)
            texts.add(text)
    return [recording for pair in zip(chosen["f"], chosen["m"], strict=True) for recording in pair]


def _native(recordings: Sequence[Recording], rng: np.random.Generator) -> list[Recording]:
    """Short recordings of different speakers, female and male in turn."""
    shortest = sorted(recordings, key=lambda recording: recording.seconds)
    chosen = {gender: [r for r in shortest if r.gender == gender][: 2 * NATIVE] for gender in GENDERS}
    drawn = [[own[i] for i in rng.permutation(len(own))[: NATIVE // 2]] for own in chosen.values()]
    return [recording for pair in zip(*drawn, strict=True) for recording in pair]


def _case(corpora: Path, row: FaceRow) -> FaceCase:
    return FaceCase(TargetFace(Path(row.path).stem, read_face(corpora, row.path), aligned=True), row.gender, row.age)


def read_face(corpora: Path, path: str) -> np.ndarray:
    """One crop of the validation faces. Shape: (80, 80, 3) uint8."""
    from PIL import Image

    with open_member(f"{corpora / 'faces-valid.zip'}{MEMBER}{path}") as handle:
        return np.asarray(Image.open(io.BytesIO(handle.read())).convert("RGB"))


def crop_variants(face: TargetFace) -> list[TargetFace]:
    """The same person in another photo or crop: mirrored, darker, turned by 10 degrees, 25 % larger."""
    from PIL import Image

    image = np.asarray(face.image)
    side = len(image)
    border = side // 4
    # Reflected margins, so that turning brings no black corners in.
    wide = Image.fromarray(np.pad(image, ((border, border), (border, border), (0, 0)), mode="reflect"))
    turned = wide.rotate(10, Image.Resampling.BICUBIC).crop((border, border, border + side, border + side))
    inset = side * 0.1  # 80 % of the side, enlarged back, is 25 % larger
    larger = Image.fromarray(image).resize(
        (side, side), Image.Resampling.BICUBIC, (inset, inset, side - inset, side - inset)
    )
    variants = {
        "mirror": image[:, ::-1],
        "darker": (image * 0.75).astype(np.uint8),
        "turned": np.asarray(turned),
        "larger": np.asarray(larger),
    }
    return [
        TargetFace(f"{face.name}-{name}", np.ascontiguousarray(one), face.aligned) for name, one in variants.items()
    ]

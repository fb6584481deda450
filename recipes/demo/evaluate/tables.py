"""The demo's own tables: how often its face tower is right, and how near voices come to the assigned ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml

from idfacevc.evaluation.measurement import Measurement
from idfacevc.evaluation.metrics.base import RatioMetric
from idfacevc.evaluation.metrics.embedding import centroid, cosine
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.similarity import SECS, SED
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.run import Measured, Sections
from idfacevc.evaluation.scores import map_processes
from idfacevc.evaluation.tables.voice_tables import VoiceTables
from recipes.demo.corpora import FaceRow, read_faces, read_parallel, read_utterances, recording_of
from recipes.demo.evaluate.test_set import (
    ACCENTED,
    AGES,
    CROPS,
    NATIVE,
    TEXT,
    accented_sources,
    genders_of,
    native_sources,
    read_face,
)
from recipes.demo.pairing import Pairing, group_of

VOICES = Path(__file__).parents[1] / "conf" / "voices.yaml"
TOWER = "face tower of the checkpoint"
_CHILDREN, _GROWN = ("0-2", "3-9"), (*AGES, "60-69", "more than 70")
_EVERY = 4  # labelled faces: one in four is enough for a share to a hundredth

M = TypeVar("M", bound=RatioMetric)


def named(metric: M, name: str, title: str) -> M:
    """The metric under another name."""
    metric.info = replace(metric.info, name=name, title=title)
    return metric


def own_tables(measured: Measured, corpora: Path, pairing: Path | None, workers: int) -> Sections:
    """The tables by title.

    Args:
        measured: The measured test set.
        corpora: Folder of the demo's speech and faces.
        pairing: Map from faces to training speakers that `prepare demo pairs` wrote, for a bundle that was trained with
            it; None: the voice of the slot that a face recalls most, after conf/voices.yaml.
        workers: Number of processes.
    """
    assert measured.load is not None and measured.voices is not None
    labelled = read_faces(corpora, "valid")[::_EVERY]
    seen = list(map_processes(_Tower(measured.load, corpora), labelled, workers, "reading faces"))
    shown = {pair.target: pair for pair in measured.pairs if pair.condition != CROPS}
    faces = list(map_processes(_Slot(measured.load), list(shown.values()), workers, "reading voices"))
    tower = {target: gender for target, (gender, _, _) in zip(shown, faces, strict=True)}
    return {
        "Face tower": tower_table(labelled, seen),
        "Gender of the voice": gender_table(measured.pairs, measured.voices, tower, corpora),
        "The assigned voice": assigned_table(measured, _assigned(list(shown.values()), faces, pairing), corpora),
    }


class _Tower:
    """Gender and age that the tower sees in a labelled face."""

    def __init__(self, load: Callable[[], Any], corpora: Path) -> None:
        self._load, self._corpora = load, corpora

    @cached_property
    def _system(self) -> Any:
        return self._load()

    def __call__(self, row: FaceRow) -> tuple[str, str]:
        seen = self._system.face_attributes(read_face(self._corpora, row.path), aligned=True)
        return seen.gender, seen.age


class _Slot:
    """Reads a row's face: gender that the tower sees, memory slot that is recalled most or -1, mean token (D,)."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    @cached_property
    def _system(self) -> Any:
        return self._load()

    def __call__(self, pair: Pair) -> tuple[str, int, Any]:
        voice = self._system.voice_from_face(pair.face, aligned=True)
        net = self._system.net
        with torch.inference_mode():
            address = net.voice_of_identity(torch.from_numpy(voice.identity)[None]).log_address
        slot = -1 if address is None else int(address.argmax())
        gender = self._system.face_attributes(pair.face, aligned=True).gender
        return gender, slot, torch.from_numpy(voice.tokens).mean(dim=0)


def tower_table(rows: Sequence[FaceRow], seen: Sequence[tuple[str, str]]) -> list[Measurement]:
    """Shares of faces that the tower reads right. Every face is another person."""
    gender = named(GenderAgreement(), "tower_gender", "Gender right")
    child = named(GenderAgreement(), "tower_child", "Child or adult right")
    for row, (seen_gender, seen_age) in zip(rows, seen, strict=True):
        if row.age in AGES:
            gender.update(seen_gender, row.gender, row.path)
        if row.age in _CHILDREN or row.age in _GROWN:
            child.update(_stage(seen_age), _stage(row.age), row.path)
    return [
        Measurement.of("faces of 20 to 59 years", gender, TOWER),
        Measurement.of("faces under 10 (seen as under 20) against 20 and over", child, TOWER),
    ]


def _stage(age: str) -> str:
    return "adult" if age in _GROWN else "child"


def gender_table(
    pairs: Sequence[Pair], voices: VoiceTables, tower: Mapping[str, str], corpora: Path
) -> list[Measurement]:
    """Whether the voice has the gender of the face, by the source's gender. Faces are the unit of the bootstrap."""
    model = VoiceGender.load().trained_on
    table = []
    speakers = genders_of([*native_sources(corpora), *accented_sources(corpora)])
    groups = {
        "conversions of women": [p for p in pairs if speakers.get(p.source_speaker) == "f"],
        "conversions of men": [p for p in pairs if speakers.get(p.source_speaker) == "m"],
        "conversions of text": [p for p in pairs if p.say],
    }
    for name, own in groups.items():
        label = named(GenderAgreement(), "gender_label", "Label agrees")
        right = named(GenderAgreement(), "gender_tower", "Label agrees where the tower reads the face right")
        for pair in own:
            if pair.target in tower:
                heard = voices.heard(pair.output)
                label.update(heard, pair.face_gender, pair.target)
                if tower[pair.target] == pair.face_gender:
                    right.update(heard, pair.face_gender, pair.target)
        table += [Measurement.of(name, label, model), Measurement.of(name, right, model)]
    return table


def _assigned(pairs: Sequence[Pair], faces: Sequence[tuple[str, int, Any]], pairing: Path | None) -> dict[str, str]:
    """The training speaker of each target."""
    if pairing is None:
        slots = yaml.safe_load(VOICES.read_text(encoding="utf-8"))
        return {pair.target: slots.get(slot, "") for pair, (_, slot, _) in zip(pairs, faces, strict=True)}
    fitted = Pairing.load(pairing)
    return {
        pair.target: fitted.assign(tokens[None], group_of(pair.face_gender, pair.face_age))[0]
        for pair, (_, _, tokens) in zip(pairs, faces, strict=True)
    }


def assigned_table(measured: Measured, assigned: Mapping[str, str], corpora: Path) -> list[Measurement]:
    """Cosine of outputs to the real voice that their face is assigned, and how much nearer it is than the source's."""
    clips = _clips_of(set(assigned.values()), corpora)
    measured.scorer.voices(sorted(clip for own in clips.values() for clip in own))
    scores = measured.scorer.scores
    voices = {speaker: centroid([scores.embeddings[clip] for clip in own]) for speaker, own in clips.items()}
    model = scores.models["embeddings"]
    table = []
    for condition in (NATIVE, ACCENTED, TEXT):
        near = named(SECS(), "secs_assigned", "SECS to the assigned voice")
        moved = named(SECS(), "secs_moved", "minus SECS to the source")
        for pair in measured.pairs:
            if pair.condition == condition and assigned.get(pair.target) in voices:
                own, voice = scores.embeddings[pair.output], voices[assigned[pair.target]]
                near.update(own, voice, pair.target)
                moved.add(cosine(own, voice) - cosine(own, scores.embeddings[pair.source]), pair.target)
        table += [Measurement.of(condition, metric, model) for metric in (near, moved)]
    return [*table, Measurement.of("recordings of the assigned voices", _spread(measured, assigned, clips), model)]


def _spread(measured: Measured, assigned: Mapping[str, str], clips: Mapping[str, list[str]]) -> SED:
    """How alike the assigned voices are in recordings of different words: what bounds SED of the outputs."""
    spread = SED(lambda one, other: one == other)
    spread.info = replace(SED.info, name="sed_group", title="SED, same gender and age group")
    for pair in measured.pairs:
        for number, clip in enumerate(clips.get(assigned.get(pair.target, ""), [])):
            kind = (pair.face_gender, pair.face_age)
            spread.update(measured.scorer.scores.embeddings[clip], number, pair.target, kind)
    return spread


def _clips_of(speakers: set[str], corpora: Path) -> dict[str, list[str]]:
    """Up to ten recordings of each training speaker whom the corpora hold."""
    clips: dict[str, list[str]] = {}
    for row in [*read_parallel(corpora), *read_utterances(corpora)]:
        if row.speaker in speakers and row.split == "train" and len(own := clips.setdefault(row.speaker, [])) < 10:
            own.append(recording_of(corpora, row))
    return clips

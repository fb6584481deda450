"""Everything that is found out about the demo's outputs and faces before any figure is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.evaluation.conversion import System, TargetFace
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.evaluation.metrics.embedding import centroid
from idfacevc.evaluation.metrics.recognition import Pocketsphinx
from idfacevc.evaluation.metrics.sentences import SentenceChooser
from idfacevc.evaluation.parallel import map_processes
from idfacevc.evaluation.score_cache import ScoreCache
from idfacevc.evaluation.scores import ClipScorer, Scores
from recipes.demo.corpora import read_faces
from recipes.demo.evaluate.outputs import Output
from recipes.demo.evaluate.test_set import FaceCase, Plan, Recording, read_face, read_recordings
from recipes.demo.pairing import Pairing, group_of

# Conversions of the grid and the crops are many and serve identity only.
_IDENTITY_ONLY = {"grid", "grid text", "crops"}
TRANSCRIBED = {"recordings", "copy", "audio", "espeak", "espeak copy", "text"}
_SAMPLED = 30  # of each kind: naturalness and free recognition take longer than converting
_REFERENCE_CLIPS = 10  # of an assigned training speaker


@dataclass
class DemoScores(Scores):
    """Scores about the demo's faces as well.

    Attributes:
        tower: (gender, age bin) that the face tower sees, by face name.
        assigned: (centroid (256,), mean log-F0 entry) of the training speaker assigned to a face, by face name.
    """

    tower: dict[str, tuple[str, str]] = field(default_factory=dict)
    assigned: dict[str, tuple[np.ndarray, dict[str, float | None]]] = field(default_factory=dict)


class DemoAnalyst(ClipScorer):
    """Looks at the demo's outputs and faces."""

    findings: DemoScores

    def __init__(self, cache: ScoreCache, workers: int) -> None:
        super().__init__(cache, workers, DemoScores())

    def outputs(self, plan: Plan, outputs: Sequence[Output]) -> None:
        """All analysers over what they apply to."""
        findings = self.findings
        transcribed = [output.clip for output in outputs if output.kind in TRANSCRIBED]
        kinds = dict.fromkeys(output.kind for output in outputs if output.kind not in _IDENTITY_ONLY)
        sampled = [o.clip for kind in kinds for o in [one for one in outputs if one.kind == kind][:_SAMPLED]]
        findings.sentences = self.run("sentences", lambda: SentenceChooser(plan.sentences), transcribed)
        self.voices([output.clip for output in outputs])
        self.voices([recording.clip for own in plan.others.values() for recording in own])
        findings.dnsmos = self.run("dnsmos", DnsmosModel, sampled)
        findings.words = self.run("words", Pocketsphinx, [clip for clip in transcribed if clip in set(sampled)])

    def faces(self, cases: Sequence[FaceCase], load: Callable[[], System]) -> None:
        """What the face tower sees."""
        seen = map_processes(_TowerReader(load), cases, self._workers, "reading faces")
        self.findings.tower = {case.face.name: one for case, one in zip(cases, seen, strict=True)}

    def assignments(
        self, cases: Sequence[FaceCase], load: Callable[[], System], pairing: Pairing, corpora: Path
    ) -> None:
        """The real voice of the training speaker that the pairing gives each face."""
        recordings: dict[str, list[Recording]] = {}
        for corpus in ("speechocean762", "librispeech"):
            for recording in read_recordings(corpora, corpus, "train"):
                recordings.setdefault(recording.speaker, []).append(recording)
        pooled = map_processes(_TokenReader(load), cases, self._workers, "reading tokens")
        speakers = {}
        for case, tokens in zip(cases, pooled, strict=True):
            speakers[case.face.name] = pairing.assign(tokens[None], group_of(case.gender, case.age))[0]
        clips = {name: [one.clip for one in recordings[name][:_REFERENCE_CLIPS]] for name in set(speakers.values())}
        self.voices(sorted(clip for own in clips.values() for clip in own))
        for face, speaker in speakers.items():
            own = clips[speaker]
            means = [mean for clip in own if (mean := self.findings.pitches[clip]["mean"]) is not None]
            pitch = {"mean": float(np.mean(means)) if means else None}
            self.findings.assigned[face] = (centroid([self.findings.embeddings[clip] for clip in own]), pitch)


class _LoadsOnce:
    """A worker whose system is loaded at the first call, in whichever process that is."""

    def __init__(self, load: Callable[[], System]) -> None:
        self._load = load

    @cached_property
    def system(self) -> Any:
        return self._load()


class _TowerReader(_LoadsOnce):
    def __call__(self, case: FaceCase) -> tuple[str, str]:
        seen = self.system.face_attributes(case.face.image, aligned=case.face.aligned)
        return seen.gender, seen.age


class _TokenReader(_LoadsOnce):
    def __call__(self, case: FaceCase) -> Any:
        """Mean of the face backbone's tokens, array (D,)."""
        return self.system.voice_from_face(case.face.image, aligned=case.face.aligned).tokens.mean(axis=0)


def labelled_faces(corpora: Path, step: int) -> list[FaceCase]:
    """Every `step`-th validation face, of all ages."""
    rows = read_faces(corpora, "valid")[::step]
    return [
        FaceCase(TargetFace(Path(row.path).stem, read_face(corpora, row.path), aligned=True), row.gender, row.age)
        for row in rows
    ]


def held_out_targets(case: FaceCase, plan: Plan, exclude: str, people: Mapping[str, Recording]) -> list[str]:
    """Held-out speakers of the face's gender and decade of age; where those are under three, of its gender."""
    first, last = (int(year) for year in case.age.split("-"))
    fitting = [name for name in plan.others if name != exclude and people[name].gender == case.gender]
    peers = [name for name in fitting if first <= (people[name].age or 0) <= last]
    return peers if len(peers) >= 3 else fitting

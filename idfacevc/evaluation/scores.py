"""What analysers found about a set of clips, and why some could not look."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import Scorer, Unavailable
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.evaluation.score_cache import ScoreCache, analyse


@dataclass
class Scores:
    """By clip what each analyser found.

    Attributes:
        embeddings: of `SpeakerEncoder`, (256,).
        pitches: of `PitchTracker`.
        dnsmos, utmos: of `DnsmosModel` and `UtmosModel`.
        words, whisper: transcripts of `Pocketsphinx` and `Whisper`.
        sentences: of `SentenceChooser`.
        sentence_chance: share of sentences that guessing gets right; NaN where there is no sentence test.
        models: names of the analysers that ran, under the names above.
        missing: reasons of those that could not.
    """

    embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    pitches: dict[str, Any] = field(default_factory=dict)
    dnsmos: dict[str, Any] = field(default_factory=dict)
    utmos: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    whisper: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    sentence_chance: float = math.nan
    models: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class ClipScorer:
    """Runs analysers over clips and fills `findings`."""

    def __init__(self, cache: ScoreCache, workers: int, findings: Scores) -> None:
        self._cache, self._workers = cache, workers
        self.findings = findings

    def run(self, key: str, make: Callable[[], Scorer], clips: Iterable[str]) -> dict[str, Any]:
        """What the analyser finds by clip; nothing, with the reason noted, where it is unavailable."""
        try:
            analyser = make()
        except Unavailable as reason:
            self.findings.missing[key] = str(reason)
            return {}
        self.findings.models[key] = analyser.name
        return analyse(analyser, clips, self._cache, self._workers)

    def voices(self, clips: Iterable[str]) -> None:
        """Embeddings and pitch of clips, added to what is known."""
        clips = list(clips)
        found = self.run("embeddings", SpeakerEncoder, clips)
        self.findings.embeddings.update({clip: np.asarray(vector) for clip, vector in found.items()})
        self.findings.pitches.update(self.run("pitches", PitchTracker, clips))

"""The tables of a list of outputs, with floors and ceilings beside them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from idfacevc.evaluation.measurement import Measurement, Metric
from idfacevc.evaluation.metrics.base import SEED, Estimate, RatioMetric
from idfacevc.evaluation.metrics.dnsmos import DNSMOS
from idfacevc.evaluation.metrics.embedding import centroid
from idfacevc.evaluation.metrics.fit import FaceVoiceFit
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import LogF0Correlation
from idfacevc.evaluation.metrics.sentences import ClosedSet
from idfacevc.evaluation.metrics.similarity import SEC, SECS, SED
from idfacevc.evaluation.metrics.utmos import UTMOS
from idfacevc.evaluation.metrics.wer import CER, WER, WhisperCER, WhisperWER
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import Scores

OUTPUTS = "outputs"
SOURCES = "source recordings"
COPIES = "vocoder copy-synthesis of the sources"
RANDOM = "random-face control"
SAME_GENDER = "same-gender random control"
TRUE = "other recordings of the true speaker"
GUESSING = "guessing among the sentences"


@dataclass(frozen=True)
class Spoken:
    """A clip of a condition, its speaker (the unit of the bootstrap) and its transcript."""

    clip: str
    speaker: str
    transcript: str


def speech_figures(tier: str, conditions: Mapping[str, Sequence[Spoken]], findings: Scores) -> list[Measurement]:
    """Naturalness and intelligibility of each condition. A condition without clips has no row."""
    kinds: list[tuple[str, Callable[[], RatioMetric], bool]] = [
        ("dnsmos", DNSMOS, False),
        ("sentences", ClosedSet, True),
        ("words", WER, True),
        ("words", partial(WER, per_utterance=True), True),
        ("words", CER, True),
        ("words", partial(CER, per_utterance=True), True),
        ("utmos", UTMOS, False),
        ("whisper", WhisperWER, True),
        ("whisper", partial(WhisperWER, per_utterance=True), True),
        ("whisper", WhisperCER, True),
        ("whisper", partial(WhisperCER, per_utterance=True), True),
    ]
    figures = []
    for condition, clips in conditions.items():
        for key, kind, transcribed in kinds:
            metric = kind()
            if metric.info.tier != tier or not clips:
                continue
            if key in findings.missing:
                figures.append(Measurement(condition, metric.info, "", None, findings.missing[key]))
                continue
            found = getattr(findings, key)
            for one in clips:
                if not transcribed:
                    metric.update(found[one.clip], one.speaker)  # type: ignore[attr-defined]
                elif one.transcript:
                    metric.update(found[one.clip], one.transcript, one.speaker)  # type: ignore[attr-defined]
            figure = Measurement.of(condition, metric, findings.models.get(key, ""))
            if figure.estimate is None and transcribed:
                figure = replace(figure, reason="the list gives no transcript for it")
            figures.append(figure)
    if tier == ClosedSet.info.tier and findings.sentences:
        chance = Estimate(findings.sentence_chance, math.nan, math.nan, len(findings.sentences), 0)
        figures.append(Measurement(GUESSING, ClosedSet.info, findings.models["sentences"], chance))
    return figures


class VoiceFigures:
    """Whose voice the outputs have, how constant and how different they are."""

    def __init__(self, pairs: Sequence[Pair], findings: Scores, classifier: VoiceGender) -> None:
        self._pairs, self._findings, self._classifier = pairs, findings, classifier
        references: dict[str, dict[str, None]] = defaultdict(dict)
        for pair in pairs:
            references[pair.target][pair.reference] = None
        self._references = {target: list(own) for target, own in references.items()}
        self.voices = {
            target: centroid([findings.embeddings[clip] for clip in own]) for target, own in self._references.items()
        }
        self.genders = {
            target: classifier.predict(self.voices[target], self._pitch(own))
            for target, own in self._references.items()
        }

    def _pitch(self, clips: Iterable[str]) -> float | None:
        medians = [one for clip in clips if (one := self._findings.pitches[clip]["median"]) is not None]
        return float(np.mean(medians)) if medians else None

    def heard(self, clip: str) -> str:
        """Gender that the classifier of voices hears in a clip."""
        return self._classifier.predict(self._findings.embeddings[clip], self._findings.pitches[clip]["median"])

    def target_figures(self) -> list[Measurement]:
        """Outputs, sources and random controls against the true speech of the targets."""
        figures = self._against_targets(OUTPUTS, [(pair.output, pair) for pair in self._pairs])
        sources = [(pair.source, pair) for pair in self._pairs if pair.source]
        figures += self._against_targets(SOURCES, sources)
        figures += self._against_targets(RANDOM, self._strangers(lambda a, b: True))
        figures += self._against_targets(SAME_GENDER, self._strangers(lambda a, b: self.genders[a] == self.genders[b]))
        true = [
            (clip, replace(pair, reference=other))
            for pair in {pair.target: pair for pair in self._pairs}.values()
            for clip in self._references[pair.target]
            for other in self._references[pair.target]
            if clip != other
        ]
        return figures + self._against_targets(TRUE, true, fit=False)

    def _strangers(self, allowed: Callable[[str, str], bool]) -> list[tuple[str, Pair]]:
        """For each pair an output made for the face of another target, of the same utterance where the list has one."""
        rng = np.random.default_rng(SEED)
        drawn = []
        for pair in self._pairs:
            others = [o for o in self._pairs if o.target != pair.target and allowed(o.target, pair.target)]
            others = [o for o in others if o.utterance == pair.utterance] or others
            if others:
                drawn.append((others[int(rng.integers(len(others)))].output, pair))
        return drawn

    def _against_targets(
        self, condition: str, clips: Sequence[tuple[str, Pair]], fit: bool = True
    ) -> list[Measurement]:
        findings, models = self._findings, self._findings.models
        secs, lf0, gender, face_fit = SECS(), LogF0Correlation(), GenderAgreement(), FaceVoiceFit()
        near = SECS()
        near.info = replace(SECS.info, name="secs_centroid", title="SECS to the speaker's mean")
        for clip, pair in clips:
            embedding = findings.embeddings[clip]
            secs.update(embedding, findings.embeddings[pair.reference], pair.target)
            lf0.update(findings.pitches[clip], findings.pitches[pair.reference], pair.target)
            gender.update(self.heard(clip), self.genders[pair.target], pair.target)
            if fit:  # a true recording is part of its speaker's mean, so that these two would only confirm themselves
                near.update(embedding, self.voices[pair.target], pair.target)
                face_fit.update(embedding, self.voices, pair.target)
        pairs: list[tuple[Metric, str]] = [
            (secs, "embeddings"),
            (near, "embeddings"),
            (face_fit, "embeddings"),
            (lf0, "pitches"),
            (gender, "embeddings"),
        ]
        kept = pairs if fit else [pairs[0], *pairs[3:]]
        if not clips:
            reason = {
                TRUE: "every target has one reference only",
                SOURCES: "the list holds texts only",
            }.get(condition, "no other target fits")
            return [Measurement(condition, metric.info, models[key], None, reason) for metric, key in kept]
        return [Measurement.of(condition, metric, models[key]) for metric, key in kept]

    def spread_figures(self) -> list[Measurement]:
        """SEC and SED of outputs, and of the targets' real speech."""
        figures = []
        sec, real_sec = SEC(), SEC()
        for pair in self._pairs:
            sec.update(self._findings.embeddings[pair.output], pair.utterance, pair.target)
        for target, own in self._references.items():
            for clip in own:
                real_sec.update(self._findings.embeddings[clip], "any words", target)
        model = self._findings.models["embeddings"]
        figures += [Measurement.of(OUTPUTS, sec, model), Measurement.of(TRUE, real_sec, model)]
        for name, title, kinds, centroids in (
            ("sed", "SED", lambda a, b: True, False),
            ("sed_same_gender", "SED, same gender", lambda a, b: a == b, False),
            ("sed_cross_gender", "SED, other gender", lambda a, b: a != b, False),
            ("sed_centroid", "SED of mean voices", lambda a, b: True, True),
        ):
            made, real = SED(kinds, centroids), SED(kinds, centroids)
            for pair in self._pairs:
                made.update(
                    self._findings.embeddings[pair.output], pair.utterance, pair.target, self.genders[pair.target]
                )
            for target, own in self._references.items():
                voice = self.voices[target] if centroids else self._findings.embeddings[own[0]]
                real.update(voice, "any words", target, self.genders[target])
            made.info = real.info = replace(SED.info, name=name, title=title)
            figures += [Measurement.of(OUTPUTS, made, model), Measurement.of(TRUE, real, model)]
        return figures

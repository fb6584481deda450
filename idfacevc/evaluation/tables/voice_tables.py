"""Tables of voices: whose they are, how constant, and how different."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from idfacevc.evaluation.measurement import Measurement, Metric
from idfacevc.evaluation.metrics.base import SEED
from idfacevc.evaluation.metrics.embedding import centroid, cosine
from idfacevc.evaluation.metrics.fit import FaceVoiceFit
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import ContourCorrelation, LogF0Correlation, Register
from idfacevc.evaluation.metrics.similarity import SEC, SECS, SED
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import Scores
from idfacevc.evaluation.tables.conditions import (
    OUTPUTS,
    RANDOM,
    SAME_GENDER,
    SOURCES,
    TRUE,
    by_condition,
    where_they_apply,
)


class VoiceTables:
    """The voices of a list's outputs, compared.

    Args:
        pairs: Measured rows.
        scores: Embeddings and pitch of outputs, sources and references, and F0 contours.
        classifier: Classifier of a voice's gender.

    Attributes:
        voices: Mean true voice (256,) of each target that has true speech.
        genders: Wanted gender of each target: `face_gender` of the list, else the gender heard in the true speech.
    """

    def __init__(self, pairs: Sequence[Pair], scores: Scores, classifier: VoiceGender) -> None:
        self._pairs, self._scores, self._classifier = pairs, scores, classifier
        references: dict[str, dict[str, None]] = defaultdict(dict)
        for pair in pairs:
            if pair.reference:
                references[pair.target][pair.reference] = None
        self._references = {target: list(own) for target, own in references.items()}
        self.voices = {
            target: centroid([scores.embeddings[clip] for clip in own]) for target, own in self._references.items()
        }
        heard = {
            target: classifier.predict(self.voices[target], self._pitch(own))
            for target, own in self._references.items()
        }
        self.genders = heard | {pair.target: pair.face_gender for pair in pairs if pair.face_gender}

    def _pitch(self, clips: Iterable[str]) -> float | None:
        medians = [one for clip in clips if (one := self._scores.pitches[clip]["median"]) is not None]
        return float(np.mean(medians)) if medians else None

    def heard(self, clip: str) -> str:
        """Gender that the classifier hears in a clip, "f" or "m"."""
        return self._classifier.predict(self._scores.embeddings[clip], self._scores.pitches[clip]["median"])

    def wanted_table(self) -> list[Measurement]:
        """Outputs against the wanted gender, the register of real adults, and their sources."""
        pitch = self._scores.models["pitches"]
        voice = self._scores.models["embeddings"]
        table = []
        for condition, own in by_condition(self._pairs).items():
            gender, near, contour = GenderAgreement(), SECS(), ContourCorrelation()
            near.info = replace(SECS.info, name="secs_source", title="SECS to the source", direction="lower")
            registers = {name: Register(name) for name in ("f", "m")}
            for pair in own:
                wanted = self.genders[pair.target]
                gender.update(self.heard(pair.output), wanted, pair.target)
                registers[wanted].update(self._scores.pitches[pair.output], pair.target)
                if pair.source:
                    embeddings = self._scores.embeddings
                    near.update(embeddings[pair.output], embeddings[pair.source], pair.target)
                if pair.source and not pair.say:
                    contours = self._scores.contours
                    contour.update(contours[pair.output], contours[pair.source], pair.target)
            if not any(pair.reference for pair in own):  # else a cell of `target_table`
                table.append(Measurement.of(condition, gender, voice))
            table += [
                Measurement.of(condition, near, voice),
                Measurement.of(condition, contour, pitch),
                *(Measurement.of(condition, register, pitch) for register in registers.values()),
            ]
        return where_they_apply(table)

    def target_table(self) -> list[Measurement]:
        """Outputs, sources and random controls against the true speech of the targets; empty without true speech."""
        known = [pair for pair in self._pairs if pair.reference]
        if not known:
            return []
        table = []
        for condition, own in by_condition(known).items():
            prefix = "" if condition == OUTPUTS else f"{condition}: "
            table += self._against_targets(condition, [(pair.output, pair) for pair in own])
            table += self._against_targets(prefix + SOURCES, [(pair.source, pair) for pair in own if pair.source])
        table += self._against_targets(RANDOM, self._strangers(known, lambda a, b: True))
        alike = self._strangers(known, lambda a, b: self.genders[a] == self.genders[b])
        table += self._against_targets(SAME_GENDER, alike)
        true = [
            (clip, replace(pair, reference=other))
            for pair in {pair.target: pair for pair in known}.values()
            for clip in self._references[pair.target]
            for other in self._references[pair.target]
            if clip != other
        ]
        return table + self._against_targets(TRUE, true, fit=False)

    def _strangers(self, pairs: Sequence[Pair], allowed: Callable[[str, str], bool]) -> list[tuple[str, Pair]]:
        """For each pair an output made for the face of another target, of the same utterance where the list has one."""
        rng = np.random.default_rng(SEED)
        drawn = []
        for pair in pairs:
            others = [o for o in pairs if o.target != pair.target and allowed(o.target, pair.target)]
            others = [o for o in others if o.utterance == pair.utterance] or others
            if others:
                drawn.append((others[int(rng.integers(len(others)))].output, pair))
        return drawn

    def _against_targets(self, row: str, clips: Sequence[tuple[str, Pair]], fit: bool = True) -> list[Measurement]:
        scores, models = self._scores, self._scores.models
        secs, lf0, gender, face_fit = SECS(), LogF0Correlation(), GenderAgreement(), FaceVoiceFit()
        near = SECS()
        near.info = replace(SECS.info, name="secs_centroid", title="SECS to the speaker's mean")
        for clip, pair in clips:
            embedding = scores.embeddings[clip]
            secs.update(embedding, scores.embeddings[pair.reference], pair.target)
            lf0.update(scores.pitches[clip], scores.pitches[pair.reference], pair.target)
            gender.update(self.heard(clip), self.genders[pair.target], pair.target)
            if fit:  # a true recording is part of its speaker's mean, so that these two would only confirm themselves
                near.update(embedding, self.voices[pair.target], pair.target)
                face_fit.update(embedding, self.voices, pair.target)
        metrics: list[tuple[Metric, str]] = [
            (secs, "embeddings"),
            (near, "embeddings"),
            (face_fit, "embeddings"),
            (lf0, "pitches"),
            (gender, "embeddings"),
        ]
        kept = metrics if fit else [metrics[0], *metrics[3:]]
        if not clips:
            reason = "no other target fits"
            if row == TRUE:
                reason = "every target has one reference only"
            elif row.endswith(SOURCES):
                reason = "the list holds texts only"
            return [Measurement(row, metric.info, models[key], None, reason) for metric, key in kept]
        return [Measurement.of(row, metric, models[key]) for metric, key in kept]

    def spread_table(self) -> list[Measurement]:
        """SEC and SED of the outputs of each part of the list, and of the targets' true speech."""
        model = self._scores.models["embeddings"]
        table = []
        for condition, own in by_condition(self._pairs).items():
            sec = SEC()
            for pair in own:
                sec.update(self._scores.embeddings[pair.output], pair.utterance, pair.target)
            table.append(Measurement.of(condition, sec, model))
            for sed in self._seds():
                for pair in own:
                    kind = (self.genders[pair.target], pair.face_age)
                    sed.update(self._scores.embeddings[pair.output], pair.utterance, pair.target, kind)
                table.append(Measurement.of(condition, sed, model))
        return where_they_apply(table) + self._true_spread(model)

    def _true_spread(self, model: str) -> list[Measurement]:
        if not self._references:
            return []
        sec, seds = SEC(), self._seds()
        ages = {pair.target: pair.face_age for pair in self._pairs}
        for target, own in self._references.items():
            for clip in own:
                sec.update(self._scores.embeddings[clip], "any words", target)
            for sed in seds:
                voice = self.voices[target] if sed.info.name == "sed_centroid" else self._scores.embeddings[own[0]]
                sed.update(voice, "any words", target, (self.genders[target], ages[target]))
        return [Measurement.of(TRUE, sec, model), *(Measurement.of(TRUE, sed, model) for sed in seds)]

    def _seds(self) -> list[SED]:
        """SED over all pairs of targets and over some; a target's kind is its gender and age group."""
        grouped = any(pair.face_age for pair in self._pairs)
        kinds: list[tuple[str, str, Callable[[Any, Any], bool]]] = [
            ("sed", "SED", lambda a, b: True),
            *([("sed_group", "SED, same gender and age group", lambda a, b: a == b)] if grouped else []),
            ("sed_same_gender", "SED, same gender", lambda a, b: a[0] == b[0]),
            ("sed_cross_gender", "SED, other gender", lambda a, b: a[0] != b[0]),
            ("sed_centroid", "SED of mean voices", lambda a, b: True),
        ]
        seds = []
        for name, title, pairs in kinds:
            sed = SED(pairs, centroids=name == "sed_centroid")
            sed.info = replace(SED.info, name=name, title=title)
            seds.append(sed)
        return seds

    def row(self, pair: Pair) -> dict[str, Any]:
        """Columns of scores.csv about the voice of an output."""
        scores = self._scores
        own = scores.embeddings[pair.output]
        return {
            "secs": cosine(own, scores.embeddings[pair.reference]) if pair.reference else "",
            "secs_source": cosine(own, scores.embeddings[pair.source]) if pair.source else "",
            "mean_lf0": scores.pitches[pair.output]["mean"],
            "voice_gender": self.heard(pair.output),
            "target_gender": self.genders[pair.target],
        }

"""Train and check the classifier of voices on the corpora folder's real adults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idfacevc.evaluation.measurement import Measurement, markdown
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.evaluation.scores import ScoreCache, score_clips
from idfacevc.files import make_folder
from recipes.demo.corpora import ADULT
from recipes.demo.evaluate.test_set import Recording, held_out_adults, read_recordings

PER_SPEAKER = 6
_FOLDS = 5  # one in five LibriSpeech speakers is kept for checking, and training labels are cross-checked in five parts


@dataclass(frozen=True)
class _Voices:
    """Embeddings (n, 256) and median log-F0 of recordings."""

    recordings: list[Recording]
    embeddings: np.ndarray
    pitches: list[float | None]

    def only(self, kept: Sequence[bool]) -> _Voices:
        index = np.flatnonzero(kept)
        return _Voices([self.recordings[i] for i in index], self.embeddings[index], [self.pitches[i] for i in index])

    def fit(self) -> VoiceGender:
        speakers = {recording.speaker for recording in self.recordings}
        about = f"{len(self.recordings)} recordings of {len(speakers)} adults of speechocean762 (train) and LibriSpeech"
        genders = [recording.gender for recording in self.recordings]
        return VoiceGender.fit(self.embeddings, self.pitches, genders, about)

    def right(self, classifier: VoiceGender) -> list[bool]:
        """Whether each recording is given its label."""
        return [
            classifier.predict(embedding, pitch) == recording.gender
            for recording, embedding, pitch in zip(self.recordings, self.embeddings, self.pitches, strict=True)
        ]


def train_and_check(corpora: Path, out: Path, workers: int) -> str:
    """`idfacevc evaluate gender-classifier`: write voice_gender.yaml into `out`; returns the table of its checks."""
    make_folder(out)
    cache = ScoreCache(out / "cache.sqlite")
    classifier = train(corpora, cache, workers)
    checks = check(classifier, corpora, cache, workers)
    classifier.save(out / "voice_gender.yaml")
    return markdown([Measurement.of(name, agreed, classifier.trained_on) for name, agreed in checks.items()])


def train(corpora: Path, cache: ScoreCache, workers: int) -> VoiceGender:
    """Fit on adults of speechocean762's training split and four fifths of LibriSpeech, at most six clips a speaker.

    A few speakers of speechocean762 are plainly mislabelled. Those whose recordings a classifier of the other speakers
    mostly contradicts are left out of training (never out of the check).
    """
    adults = [r for r in read_recordings(corpora, "speechocean762", "train") if r.age is not None and r.age >= ADULT]
    native = [r for index, r in enumerate(_librispeech(corpora)) if index % _FOLDS]
    voices = _analysed(adults + native, cache, workers)
    speakers = sorted({recording.speaker for recording in voices.recordings})
    right: dict[str, list[bool]] = defaultdict(list)
    for fold in range(_FOLDS):
        held = [speakers.index(recording.speaker) % _FOLDS == fold for recording in voices.recordings]
        own = voices.only(held)
        for recording, one in zip(own.recordings, own.right(voices.only([not one for one in held]).fit()), strict=True):
            right[recording.speaker].append(one)
    return voices.only(
        [2 * sum(right[recording.speaker]) >= len(right[recording.speaker]) for recording in voices.recordings]
    ).fit()


def check(classifier: VoiceGender, corpora: Path, cache: ScoreCache, workers: int) -> dict[str, GenderAgreement]:
    """How often it is right on real voices that it was not trained on, by corpus."""
    native = [recording for index, recording in enumerate(_librispeech(corpora)) if index % _FOLDS == 0]
    agreements = {}
    for name, recordings in {
        "speechocean762 valid adults": held_out_adults(corpora),
        "LibriSpeech, kept out": native,
    }.items():
        voices = _analysed(recordings, cache, workers)
        agreements[name] = GenderAgreement()
        for recording, embedding, pitch in zip(voices.recordings, voices.embeddings, voices.pitches, strict=True):
            agreements[name].update(classifier.predict(embedding, pitch), recording.gender, recording.speaker)
    return agreements


def _librispeech(corpora: Path) -> list[Recording]:
    return sorted(read_recordings(corpora, "librispeech", "train"), key=lambda recording: recording.speaker)


def _analysed(recordings: Sequence[Recording], cache: ScoreCache, workers: int) -> _Voices:
    """At most `PER_SPEAKER` recordings of each speaker, analysed."""
    own: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        own[recording.speaker].append(recording)
    kept = [recording for several in own.values() for recording in several[:PER_SPEAKER]]
    clips = [recording.clip for recording in kept]
    embeddings = score_clips(SpeakerEncoder(), clips, cache, workers)
    pitches = score_clips(PitchTracker(), clips, cache, workers)
    return _Voices(kept, np.array([embeddings[clip] for clip in clips]), [pitches[clip]["median"] for clip in clips])

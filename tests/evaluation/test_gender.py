"""The classifier of voices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from idfacevc.evaluation.metrics.base import Unavailable
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import PitchTracker


def voices(count: int, seed: int) -> tuple[np.ndarray, list[float | None], list[str]]:
    """Two overlapping clouds of embeddings with their pitches."""
    rng = np.random.default_rng(seed)
    genders = ["f" if index % 2 else "m" for index in range(count)]
    offset = np.array([1.0 if gender == "m" else -1.0 for gender in genders])
    embeddings = np.abs(rng.normal(0.06, 0.03, (count, 256)))
    embeddings[:, :20] += 0.02 * offset[:, None]
    return embeddings, list(5.0 - 0.3 * offset + rng.normal(0, 0.1, count)), genders


def test_learns_and_survives_its_file(tmp_path: Path) -> None:
    classifier = VoiceGender.fit(*voices(200, 0), "a test")
    classifier.save(tmp_path / "weights.yaml")
    loaded = VoiceGender.load(tmp_path / "weights.yaml")
    agreement = GenderAgreement()
    for number, (embedding, pitch, gender) in enumerate(zip(*voices(100, 1), strict=True)):
        assert loaded.probability_male(embedding, pitch) == pytest.approx(classifier.probability_male(embedding, pitch))
        agreement.update(loaded.predict(embedding, pitch), gender, str(number))
    assert agreement.compute().value > 0.95


def test_a_voice_without_pitch_is_judged_by_its_timbre() -> None:
    classifier = VoiceGender.fit(*voices(200, 0), "a test")
    embeddings, _, genders = voices(100, 1)
    right = [classifier.predict(one, None) == gender for one, gender in zip(embeddings, genders, strict=True)]
    assert np.mean(right) > 0.9


def test_missing_weights_are_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="gender-classifier"):
        VoiceGender.load(tmp_path / "none.yaml")


def test_shipped_classifier_hears_a_deep_voice_as_male(say: Callable[..., np.ndarray]) -> None:
    wave = say("please call stella and ask her to bring these things")
    embedding = np.array(SpeakerEncoder()(wave))
    assert VoiceGender.load().predict(embedding, PitchTracker()(wave)["median"]) == "m"


@pytest.mark.slow
def test_shipped_classifier_on_real_voices(corpora: Path, tmp_path: Path) -> None:
    from idfacevc.evaluation.scores import ScoreCache
    from recipes.demo import gender_classifier as voice_gender

    checks = voice_gender.check(VoiceGender.load(), corpora, ScoreCache(tmp_path / "cache.sqlite"), 2)
    # Three of the 61 speakers of the first set contradict their labels in every recording.
    assert {name: round(check.compute().value, 2) for name, check in checks.items()} == {
        "speechocean762 valid adults": pytest.approx(0.94, abs=0.02),
        "LibriSpeech, kept out": pytest.approx(0.98, abs=0.02),
    }

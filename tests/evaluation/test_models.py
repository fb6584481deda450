"""Analysers against the packages that they stand on, on real speech."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from idfacevc.backbones.resemblyzer import ResemblyzerBackbone
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder, centroid, cosine
from idfacevc.evaluation.metrics.pitch import LogF0Correlation, PitchTracker
from idfacevc.evaluation.metrics.recognition import Pocketsphinx, Whisper
from idfacevc.evaluation.metrics.sentences import ClosedSet, SentenceChooser, spoken_words
from idfacevc.evaluation.metrics.utmos import UtmosModel
from tests.closeness import assert_near
from tests.evaluation.conftest import TEXTS

SENTENCES = (*TEXTS, "it was an important win for the whole team", "he looked at her and turned away")


def lengths(say: Callable[..., np.ndarray]) -> list[np.ndarray]:
    """Waves shorter than one window, of one window, and of several."""
    speech = say(" ".join(TEXTS))
    return [speech[: int(16000 * seconds)] for seconds in (0.5, 1.6, 2.1, 3.3, 5.0)]


def test_batched_embeddings_equal_resemblyzer(say: Callable[..., np.ndarray]) -> None:
    backbone = ResemblyzerBackbone()
    waves = lengths(say)
    batched = backbone.tokens(waves)[:, 0].numpy()
    single = np.stack([backbone.model.embed_utterance(wave) for wave in waves])
    assert_near(batched, single)
    assert_near(np.linalg.norm(batched, axis=1), np.ones(len(waves)))


def test_batch_does_not_change_an_embedding(say: Callable[..., np.ndarray]) -> None:
    encoder = SpeakerEncoder()
    waves = lengths(say)
    alone = encoder(waves[2])
    assert_near(encoder.many(waves)[2], alone)
    assert cosine(np.array(alone), centroid([np.array(alone)] * 3)) == pytest.approx(1)


def test_dnsmos_equals_speechmos(say: Callable[..., np.ndarray]) -> None:
    pytest.importorskip("onnxruntime", reason="speechmos needs onnxruntime")
    from speechmos import dnsmos

    from idfacevc.evaluation.metrics.dnsmos import DnsmosModel

    wave = say(TEXTS[0])
    ours, theirs = DnsmosModel()(wave), dnsmos.run(wave, 16000)
    assert ours["overall"] == pytest.approx(theirs["ovrl_mos"], rel=1e-3)
    assert ours["signal"] == pytest.approx(theirs["sig_mos"], rel=1e-3)
    assert ours["background"] == pytest.approx(theirs["bak_mos"], rel=1e-3)
    assert ours["p808"] == pytest.approx(theirs["p808_mos"], rel=1e-3)


def test_sentences_are_told_apart(say: Callable[..., np.ndarray]) -> None:
    chooser = SentenceChooser(SENTENCES)
    metric = ClosedSet()
    for text in SENTENCES:
        metric.update(chooser(say(text)), text, "espeak")
    assert chooser.chance == 0.25
    assert metric.compute().value >= 0.75


def test_a_decision_does_not_depend_on_what_came_before(say: Callable[..., np.ndarray]) -> None:
    waves = [say(text) for text in SENTENCES]
    noisy = waves[0] + np.random.default_rng(0).normal(0, 0.05, len(waves[0])).astype(np.float32)
    fresh, used = SentenceChooser(SENTENCES), SentenceChooser(SENTENCES)
    for wave in waves:
        used(wave)
    assert used(noisy) == fresh(noisy)


def test_words_outside_the_dictionary_leave_a_sentence_recognisable(say: Callable[..., np.ndarray]) -> None:
    strange = "the xqzzt looked at her and turned away"
    chooser = SentenceChooser([strange, TEXTS[0]])
    assert chooser(say("the looked at her and turned away")) == spoken_words(strange)


def test_analysers_travel_to_other_processes_after_use(say: Callable[..., np.ndarray]) -> None:
    for analyser in (SentenceChooser(SENTENCES), Pocketsphinx()):
        before = analyser(say(TEXTS[0]))
        assert pickle.loads(pickle.dumps(analyser))(say(TEXTS[0])) == before


def test_pitch_of_a_harmonic_tone() -> None:
    time_ = np.arange(16000) / 16000
    for hertz in (90.0, 180.0, 320.0):
        tone = sum(np.sin(2 * np.pi * hertz * k * time_) / k for k in range(1, 12)) * 0.2
        found = PitchTracker()(np.asarray(tone, dtype=np.float32))
        assert np.exp(found["median"]) == pytest.approx(hertz, rel=0.01)  # type: ignore[arg-type]
        assert found["voiced"] > 0.9  # type: ignore[operator]


def test_pitch_correlation_equals_numpy() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5, 0.3, 12)
    y = 0.7 * x + rng.normal(0, 0.2, 12)
    metric = LogF0Correlation()
    for index, (a, b) in enumerate(zip(x, y, strict=True)):
        metric.update({"mean": a}, {"mean": b}, f"speaker{index % 4}")
    metric.update({"mean": None}, {"mean": 5.0}, "unvoiced")
    estimate = metric.compute()
    assert estimate.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert (estimate.n, estimate.speakers) == (12, 4)


@pytest.mark.parametrize("make", [UtmosModel, Whisper])
def test_weights_that_are_not_here_are_said_to_be_missing(
    make: type[UtmosModel] | type[Whisper], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from idfacevc.evaluation.metrics.base import Unavailable

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match="not cached"):
        make()


def test_whisper_weights_are_read_from_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Callable[..., np.ndarray]
) -> None:
    """A model of the large one's class and vocabulary, a few units wide and never trained."""
    import dataclasses

    import torch
    from whisper.model import ModelDimensions
    from whisper.model import Whisper as Network

    torch.manual_seed(0)
    sizes = ModelDimensions(128, 1500, 8, 1, 1, 51866, 448, 8, 1, 1)
    (tmp_path / "whisper").mkdir()
    content = {"dims": dataclasses.asdict(sizes), "model_state_dict": Network(sizes).state_dict()}
    torch.save(content, tmp_path / "whisper" / "large-v3.pt")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wave = say(TEXTS[0])
    heard = Whisper()(wave)
    assert isinstance(heard, str)
    assert Whisper()(wave) == heard

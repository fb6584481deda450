"""Error rates against jiwer's own."""

from __future__ import annotations

import jiwer
import pytest

from idfacevc.evaluation.metrics.base import Unavailable
from idfacevc.evaluation.metrics.wer import CER, WER, FasterWhisperWER, whisper_spelling

PAIRS = [
    ("the cat sat on the mat", "the cat sat on a mat"),
    ("hello world", "hello"),
    ("good morning to you all", "could morning do you all my friends"),
    ("yes", ""),
]


@pytest.mark.parametrize(("kind", "oracle"), [(WER, jiwer.wer), (CER, jiwer.cer)])
def test_corpus_level_equals_jiwer(kind: type[WER] | type[CER], oracle: object) -> None:
    metric = kind()
    for number, (reference, hypothesis) in enumerate(PAIRS):
        metric.update(hypothesis, reference, str(number))
    references, hypotheses = zip(*PAIRS, strict=True)
    assert metric.compute().value == pytest.approx(oracle(list(references), list(hypotheses)))  # type: ignore[operator]


@pytest.mark.parametrize(("kind", "oracle"), [(WER, jiwer.wer), (CER, jiwer.cer)])
def test_per_utterance_is_the_mean_of_single_rates(kind: type[WER] | type[CER], oracle: object) -> None:
    metric = kind(per_utterance=True)
    for number, (reference, hypothesis) in enumerate(PAIRS):
        metric.update(hypothesis, reference, str(number))
    rates = [oracle(reference, hypothesis) for reference, hypothesis in PAIRS]  # type: ignore[operator]
    assert metric.compute().value == pytest.approx(sum(rates) / len(rates))
    assert metric.info.name != kind.info.name


def test_spelling_and_punctuation_do_not_count() -> None:
    metric = WER()
    metric.update("it is the colour of twenty three doors", "It's the color of 23 doors!", "a")
    assert metric.compute().value == 0
    assert whisper_spelling("  Hello,   WORLD ") == "hello world"


def test_empty_references_have_no_rate() -> None:
    metric = WER()
    metric.update("words", "[music]", "a")  # the normaliser drops what stands in brackets
    with pytest.raises(Unavailable, match="reference texts are empty"):
        metric.compute()


def test_the_title_names_the_model() -> None:
    metric = FasterWhisperWER("faster-whisper tiny.en")
    metric.update("hello", "hello world", "a")
    assert metric.info.title == "WER (faster-whisper tiny.en)"
    assert (metric.info.name, metric.info.tier) == ("faster_whisper_wer", "offline")
    assert metric.compute().value == pytest.approx(jiwer.wer("hello world", "hello"))

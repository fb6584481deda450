"""Word and character error rates over Whisper's English normalisation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from idfacevc.evaluation.metrics.base import MetricInfo, RatioMetric


@lru_cache(maxsize=1)
def _normaliser() -> Any:
    from whisper.normalizers import EnglishTextNormalizer

    return EnglishTextNormalizer()


def normalise(text: str) -> str:
    """Lower case, no punctuation, spelled alike, single spaces."""
    return str(_normaliser()(text))


def word_errors(hypothesis: str, reference: str) -> tuple[int, int]:
    """Edits and reference words of normalised texts."""
    import jiwer

    if not reference:
        return len(hypothesis.split()), 0
    found = jiwer.process_words(reference, hypothesis)
    return found.substitutions + found.deletions + found.insertions, len(reference.split())


def character_errors(hypothesis: str, reference: str) -> tuple[int, int]:
    """Edits and reference characters, spaces counted, of normalised texts."""
    import jiwer

    if not reference:
        return len(hypothesis), 0
    found = jiwer.process_characters(reference, hypothesis)
    return found.substitutions + found.deletions + found.insertions, len(reference)


class WER(RatioMetric):
    """Corpus level: all edits over all reference words. Above 1 where a recogniser inserts much."""

    info = MetricInfo("wer", "WER", "share", "lower", (0.0, float("inf")), "offline", "pocketsphinx, jiwer")

    def update(self, hypothesis: str, reference: str, speaker: str) -> None:
        edits, length = word_errors(normalise(hypothesis), normalise(reference))
        self.add(edits, speaker, length)


class CER(RatioMetric):
    """Corpus level: all edits over all reference characters."""

    info = MetricInfo("cer", "CER", "share", "lower", (0.0, float("inf")), "offline", "pocketsphinx, jiwer")

    def update(self, hypothesis: str, reference: str, speaker: str) -> None:
        edits, length = character_errors(normalise(hypothesis), normalise(reference))
        self.add(edits, speaker, length)


class WhisperWER(WER):
    """The paper's word error rate."""

    info = MetricInfo("whisper_wer", "WER (Whisper)", "share", "lower", (0.0, float("inf")), "paper", "Whisper, jiwer")


class WhisperCER(CER):
    """The paper's character error rate."""

    info = MetricInfo("whisper_cer", "CER (Whisper)", "share", "lower", (0.0, float("inf")), "paper", "Whisper, jiwer")

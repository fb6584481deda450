"""Word and character error rates over Whisper's English normalisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from idfacevc.evaluation.metrics.base import MetricInfo, RatioMetric


@lru_cache(maxsize=1)
def _normaliser() -> Any:
    from whisper.normalizers import EnglishTextNormalizer

    return EnglishTextNormalizer()


def whisper_spelling(text: str) -> str:
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


_INFINITE = (0.0, float("inf"))  # above 1 where a recogniser inserts much


class ErrorRate(RatioMetric):
    """All edits over all reference tokens.

    Args:
        per_utterance: Mean of each utterance's own rate instead.
    """

    info: MetricInfo
    errors: Callable[[str, str], tuple[int, int]]

    def __init__(self, per_utterance: bool = False) -> None:
        super().__init__()
        self._per_utterance = per_utterance
        if per_utterance:
            name, title = f"{self.info.name}_per_utterance", f"{self.info.title} per utterance"
            self.info = replace(self.info, name=name, title=title)

    def update(self, hypothesis: str, reference: str, speaker: str) -> None:
        """Texts in any spelling. A reference without words has no rate of its own."""
        edits, length = type(self).errors(whisper_spelling(hypothesis), whisper_spelling(reference))
        if not self._per_utterance:
            self.add(edits, speaker, length)
        elif length:
            self.add(edits / length, speaker)


class WER(ErrorRate):
    """Word error rate of the offline recogniser."""

    info = MetricInfo("wer", "WER", "share", "lower", _INFINITE, "offline", "pocketsphinx, jiwer")
    errors = staticmethod(word_errors)


class CER(ErrorRate):
    """Character error rate of the offline recogniser; spaces count."""

    info = MetricInfo("cer", "CER", "share", "lower", _INFINITE, "offline", "pocketsphinx, jiwer")
    errors = staticmethod(character_errors)


class FasterWhisperWER(WER):
    """Word error rate of the Whisper that faster-whisper found here; `model` names it in the title."""

    info = MetricInfo("faster_whisper_wer", "WER (faster-whisper)", "share", "lower", _INFINITE, "offline", "jiwer")

    def __init__(self, model: str = "faster-whisper") -> None:
        super().__init__()
        self.info = replace(self.info, title=f"WER ({model})")


class FasterWhisperCER(CER):
    """Character error rate of the same recogniser; spaces count."""

    info = MetricInfo("faster_whisper_cer", "CER (faster-whisper)", "share", "lower", _INFINITE, "offline", "jiwer")

    def __init__(self, model: str = "faster-whisper") -> None:
        super().__init__()
        self.info = replace(self.info, title=f"CER ({model})")


class WordsChanged(FasterWhisperWER):
    """Words that the same recogniser hears otherwise in an output than in its source; needs no transcript."""

    info = MetricInfo("words_changed", "Words changed", "share", "lower", _INFINITE, "offline", "this project; jiwer")

    def __init__(self, model: str = "faster-whisper") -> None:
        super().__init__(model)
        self.info = replace(self.info, title=f"Words changed ({model})")


class WhisperWER(WER):
    """The paper's word error rate."""

    info = MetricInfo("whisper_wer", "WER (Whisper)", "share", "lower", _INFINITE, "paper", "Whisper, jiwer")


class WhisperCER(CER):
    """The paper's character error rate."""

    info = MetricInfo("whisper_cer", "CER (Whisper)", "share", "lower", _INFINITE, "paper", "Whisper, jiwer")

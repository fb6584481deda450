"""Speech recognisers: Whisper is the paper's, pocketsphinx runs from its package alone."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import Scorer, Unavailable, require

WHISPER = "large-v3"  # the paper names no size (OPEN 22)


class Pocketsphinx(Scorer):
    """Large-vocabulary recognition with the package's US English model. Result: the transcript.

    Good for comparing clean read speech; on accented or noisy speech its error rate is so high that only `sentences`
    tells systems apart.
    """

    def __init__(self) -> None:
        self.name = f"pocketsphinx {require('pocketsphinx')} en-us"

    @cached_property
    def _decoder(self) -> Any:
        return new_decoder()

    def __call__(self, wav: np.ndarray) -> str:
        return decode(self._decoder, wav)

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name}  # a decoder cannot travel to another process; each makes its own


def new_decoder(**settings: Any) -> Any:
    """A pocketsphinx decoder with cepstral means over the whole utterance."""
    from pocketsphinx import Decoder

    return Decoder(cmn="batch", loglevel="FATAL", **settings)


def decode(decoder: Any, wav: np.ndarray) -> str:
    """Words heard in `wav` (N,) at 16 kHz, "" for none.

    The features are reset first: noise statistics would otherwise carry over from what was decoded before.
    """
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw((np.clip(wav, -1.0, 1.0) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def whisper_file(size: str) -> Path:
    """Where openai-whisper keeps the weights of a size."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "whisper" / f"{size}.pt"


class Whisper(Scorer):
    """OpenAI Whisper, English, greedy, without conditioning on earlier text. Result: the transcript."""

    def __init__(self, size: str = WHISPER) -> None:
        self.name = f"Whisper {size} (openai-whisper {require('openai-whisper', 'whisper')})"
        self._weights = whisper_file(size)
        if not self._weights.is_file():
            raise Unavailable(f"the weights of Whisper {size} are not cached (idfacevc download --evaluation)")

    @cached_property
    def _model(self) -> Any:
        import whisper

        return whisper.load_model(str(self._weights), device="cpu")

    def __call__(self, wav: np.ndarray) -> str:
        options = {"language": "en", "temperature": 0.0, "condition_on_previous_text": False, "fp16": False}
        return str(self._model.transcribe(wav, **options)["text"])

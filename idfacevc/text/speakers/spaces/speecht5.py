"""The x-vectors of SpeechT5 as a space of voices. The model normalises them: only the direction counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from idfacevc.errors import InputError
from idfacevc.text.speakers.base import SentenceSpeaker
from idfacevc.text.speakers.spaces.base import SpeakerBank, SpeakerSpace


class SpeechT5Speaker(SentenceSpeaker):
    """SpeechT5 in one voice.

    Its prenet drops units at random when it speaks as well, so that the seed matters.

    Args:
        vector: (512,) unit x-vector.
        model, tokenizer, vocoder: loaded, of transformers' classes.
    """

    name = "speecht5"
    language = "en"
    languages: tuple[str, ...] = ("en",)
    styles: tuple[str, ...] = ("neutral",)

    def __init__(self, vector: np.ndarray, model: torch.nn.Module, tokenizer: object, vocoder: torch.nn.Module) -> None:
        self._vector = torch.from_numpy(np.asarray(vector, np.float32))[None]
        self._model, self._tokenizer, self._vocoder = model, tokenizer, vocoder
        self.sample_rate = vocoder.config.sampling_rate  # type: ignore[union-attr,assignment]

    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        if speed != 1.0:
            raise InputError("speecht5 has one speed; leave it at 1")
        if not any(symbol.isalnum() for symbol in sentence):
            return np.zeros(0, np.float32)
        tokens = self._tokenizer(text=sentence, return_tensors="pt")["input_ids"]  # type: ignore[operator]
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._model.generate_speech(tokens, self._vector, vocoder=self._vocoder).numpy()  # type: ignore[operator]


class SpeechT5Space(SpeakerSpace):
    """Unit x-vectors (512,).

    Args:
        source, vocoder: folders or hub ids of `SpeechT5ForTextToSpeech` with its tokenizer, and of `SpeechT5HifiGan`.
        vectors: (n, 512) of a bank of real voices, as its encoder gives them.
    Raises:
        InputError: for weights that are not on this machine.
    """

    name = "speecht5"
    unit_norm = True

    def __init__(
        self,
        source: str | Path = "microsoft/speecht5_tts",
        vocoder: str | Path = "microsoft/speecht5_hifigan",
        vectors: np.ndarray | None = None,
        licence: str = "",
    ) -> None:
        from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

        try:
            self._model = SpeechT5ForTextToSpeech.from_pretrained(source, local_files_only=True).eval()
            self._tokenizer = SpeechT5Tokenizer.from_pretrained(source, local_files_only=True)
            self._vocoder = SpeechT5HifiGan.from_pretrained(vocoder, local_files_only=True).eval()
        except (OSError, ValueError, TypeError, ImportError) as error:
            fault = " ".join(str(error).split())[:200]
            raise InputError(f"SpeechT5 ({source}) cannot be loaded from this machine: {fault}") from None
        self.dim = self._model.config.speaker_embedding_dim
        self.sample_rate = self._vocoder.config.sampling_rate
        self._bank = np.zeros((0, self.dim), np.float32) if vectors is None else self.project(vectors)
        self._licence = licence

    def bank(self) -> SpeakerBank:
        count = len(self._bank)
        return SpeakerBank(tuple(map(str, range(count))), self._bank, ("",) * count, self._licence)

    def speaker(self, vector: np.ndarray) -> SpeechT5Speaker:
        return SpeechT5Speaker(self.project(vector), self._model, self._tokenizer, self._vocoder)

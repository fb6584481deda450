"""Base speakers of the transformers library's VITS: single- and multi-speaker English, and MMS in many languages."""

from __future__ import annotations

import logging
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from idfacevc.errors import InputError
from idfacevc.text.espeak import phonemes
from idfacevc.text.speakers.base import SentenceSpeaker
from idfacevc.text.speakers.length_scale import length_scale

logger = logging.getLogger(__name__)

_ENGLISH = ("kakao-enterprise/vits-vctk", "kakao-enterprise/vits-ljs", "facebook/mms-tts-eng")  # best first
# MMS names languages by ISO 639-3.
_ISO_639_3 = {
    "ar": "ara", "de": "deu", "en": "eng", "es": "spa", "fr": "fra", "hi": "hin", "ko": "kor", "nl": "nld", "pt": "por",
    "ru": "rus", "th": "tha", "tr": "tur", "vi": "vie",
}  # fmt: skip


def sources(language: str) -> tuple[str, ...]:
    """Hub ids of the models that speak a language, best first; languages are two-letter or ISO 639-3 codes."""
    code = language.lower().split("-")[0]
    return _ENGLISH if code in ("en", "eng") else (f"facebook/mms-tts-{_ISO_639_3.get(code, code)}",)


class VitsSpeaker(SentenceSpeaker):
    """A VITS model in a local folder or in the hub's cache; the network is never asked.

    Args:
        source: folder with `config.json`, weights and tokenizer files as transformers saves them, or a hub id.
        language: Language of the model.
        speaker: Number of the speaker in a model with several, from 0.

    Attributes:
        model: transformers' `VitsModel`.
    """

    name = "vits"
    styles: tuple[str, ...] = ("neutral",)

    def __init__(self, source: str | Path, language: str = "en", speaker: int = 0) -> None:
        from transformers import VitsModel, VitsTokenizer

        try:
            self._tokenizer = VitsTokenizer.from_pretrained(source, local_files_only=True)
            self.model = VitsModel.from_pretrained(source, local_files_only=True).eval()
        except (OSError, ValueError, TypeError) as error:
            if Path(source).is_dir():
                fault = " ".join(str(error).split())[:200]
                raise InputError(f"folder {source} holds no VITS model of transformers: {fault}") from None
            raise InputError(f"the VITS model {source} is not on this machine: run `hf download {source}`") from None
        self._source = source
        self.choose(speaker)
        # The tokenizer's own phonemes would need the package phonemizer, a wrapper of the same espeak-ng.
        self._phonemes, self._tokenizer.phonemize = self._tokenizer.phonemize, False
        self.sample_rate = self.model.config.sampling_rate
        self.language = language
        self.languages = (language,)
        self._warned: set[str] = set()

    def choose(self, speaker: int) -> None:
        """Speak as another speaker of the model, counted from 0."""
        speakers = self.model.config.num_speakers
        if not 0 <= speaker < speakers:
            raise InputError(f"{self._source} has no speaker {speaker}; it has {speakers}, counted from 0")
        self._speaker = speaker if speakers > 1 else None

    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        inputs = self._tokenizer(self._spelled(sentence), return_tensors="pt")
        # With blanks between the characters a text of which nothing is left still gives one token.
        if inputs["input_ids"].shape[1] < 2:
            return np.zeros(0, np.float32)
        return speak_tokens(self.model, inputs["input_ids"], self._speaker, speed, seed)

    def _spelled(self, sentence: str) -> str:
        """The sentence in the model's alphabet: phonemes, or letters without the accents that the model lacks."""
        if self._phonemes:
            return phonemes(sentence)
        alphabet = self._tokenizer.get_vocab()
        if self._tokenizer.is_uroman:  # the tokenizer romanises by itself
            return sentence
        letters = []
        for char in sentence:
            known = char if char.lower() in alphabet else unicodedata.normalize("NFKD", char)[0]
            if known.isalnum() and known.lower() not in alphabet and known not in self._warned:
                self._warned.add(known)
                logger.warning("dropped from the text, not in the alphabet of the VITS model: %s", known)
            letters.append(known)
        return "".join(letters)


@torch.inference_mode()
def speak_tokens(model: Any, tokens: Tensor, speaker: int | None, speed: float, seed: int) -> np.ndarray:
    """Waveform (N,) of tokens (1, T) by transformers' `VitsModel`; durations follow the law of `length_scale`."""
    with torch.random.fork_rng(devices=[]):
        scale = 1.0
        if speed != 1.0:
            torch.manual_seed(seed)
            scale = length_scale(_log_durations(model, tokens, speaker), speed)
        torch.manual_seed(seed)
        return model(tokens, speaker_id=speaker, speaking_rate=1 / scale).waveform[0].numpy()


def _log_durations(model: Any, tokens: Tensor, speaker: int | None) -> Tensor:
    """Log frames (1, 1, T) that the model will draw next from the same random state."""
    mask = torch.ones(1, tokens.shape[1], 1)
    hidden = model.text_encoder(input_ids=tokens, padding_mask=mask).last_hidden_state.transpose(1, 2)
    voice = None if speaker is None else model.embed_speaker.weight[speaker][None, :, None]
    drawn: dict[str, Any] = {}
    if model.config.use_stochastic_duration_prediction:
        drawn = {"reverse": True, "noise_scale": model.noise_scale_duration}
    return model.duration_predictor(hidden, mask.transpose(1, 2), voice, **drawn)

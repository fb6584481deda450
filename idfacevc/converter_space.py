"""The converter's own voices as a speaker space: what its decoder is given, for texts and for recordings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from idfacevc.api import IDFaceVC
from idfacevc.audio.io import AudioSource
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.memory import FaceVoiceMemory
from idfacevc.text.speakers.base import BaseSpeaker
from idfacevc.text.speakers.spaces.base import SpeakerBank, SpeakerSpace
from idfacevc.types import Speech, Voice


class ConverterSpace(SpeakerSpace):
    """Voice vectors (D,) of a bundle's decoder; the bank is what its memory holds.

    Raises:
        InputError: for a bundle without a memory.
    """

    name = "converter"

    def __init__(self, converter: IDFaceVC) -> None:
        memory = converter.net.memory
        if not isinstance(memory, FaceVoiceMemory):
            raise InputError(f"checkpoint {converter.spec.name} has no memory of voices")
        self.converter = converter
        self._values = memory.speech_values.detach().cpu().numpy()
        self.dim = self._values.shape[1]
        self.unit_norm = memory.unit
        self.sample_rate = converter.sample_rate

    def bank(self) -> SpeakerBank:
        names = tuple(f"slot {number}" for number in range(len(self._values)))
        return SpeakerBank(names, self.project(self._values), ("",) * len(names), "of the checkpoint")

    def speaker(self, vector: np.ndarray) -> BaseSpeaker:
        return _ConverterSpeaker(self, self.project(vector))

    def convert(self, vector: np.ndarray, audio: AudioSource, seed: int = 0) -> Speech:
        """A recording in a voice (D,)."""
        return self.converter.convert(self.voice(self.project(vector)), audio=audio, seed=seed)

    def voice(self, vector: np.ndarray) -> Voice:
        """A valid vector (D,) as a voice of the converter; no face recalled it."""
        nothing = np.zeros(0, np.float32)
        return Voice(np.asarray(vector, np.float32), nothing, nothing[None], self.converter.fingerprint)


class _ConverterSpeaker:
    """A text, said by the base speaker and converted."""

    name = "converter"
    languages: tuple[str, ...] = ("en",)
    styles: tuple[str, ...] = ("neutral",)

    def __init__(self, space: ConverterSpace, vector: np.ndarray) -> None:
        self._converter, self._voice = space.converter, space.voice(vector)
        self.sample_rate = space.sample_rate

    def synthesise(
        self, text: str, style: str = "neutral", speed: float = 1.0, seed: int = 0
    ) -> tuple[np.ndarray, int]:
        return np.concatenate(list(self.stream(text, style, speed, seed))), self.sample_rate

    def stream(
        self,
        text: str,
        style: str = "neutral",
        speed: float = 1.0,
        seed: int = 0,
        pauses: float = 1.0,
        opening: bool = False,
    ) -> Iterator[np.ndarray]:
        if pauses != 1.0:
            raise InputError("the converter leaves the pauses of its base speaker as they are")
        return self._converter.stream(self._voice, text=text, style=style, speed=speed, seed=seed)

"""What turns text into source speech, whatever makes the sound: one protocol, its sentence-wise part, and a factory."""

from __future__ import annotations

import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from idfacevc.errors import InputError
from idfacevc.text.normalise import opened, sentences
from idfacevc.text.style import Style, apply_style

logger = logging.getLogger(__name__)

SPEEDS = (0.5, 2.0)
EDGE_PAUSE = 0.25  # seconds at speed 1


class BaseSpeaker(Protocol):
    """Source speech from text. The timbre does not matter: the converter replaces it.

    Attributes:
        name: what the registry calls it.
        sample_rate: Sample rate of every result in Hz.
        languages: codes that this kind of speaker offers here.
        styles: names it can speak in by itself; any other style is an edit of its neutral speech (`speak`).
    """

    name: str
    sample_rate: int
    languages: tuple[str, ...]
    styles: tuple[str, ...]

    def synthesise(
        self, text: str, style: str = "neutral", speed: float = 1.0, seed: int = 0
    ) -> tuple[np.ndarray, int]:
        """Speech of the whole text: samples (N,) float32 within ±1, and the sample rate in Hz."""
        ...

    def stream(
        self,
        text: str,
        style: str = "neutral",
        speed: float = 1.0,
        seed: int = 0,
        pauses: float = 1.0,
        opening: bool = False,
    ) -> Iterator[np.ndarray]:
        """The same speech sentence by sentence, each (N,) float32 after the pause that precedes it."""
        ...


class SentenceSpeaker(ABC):
    """The part that all base speakers share: a subclass says one normalised sentence.

    `room_noise` is the RMS of white noise under speech and pauses, for synthesis that is silent where a recording never
    is: what hears it was trained on recordings.
    """

    name: str
    sample_rate: int
    language: str
    languages: tuple[str, ...]
    styles: tuple[str, ...]
    room_noise = 0.0

    @abstractmethod
    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        """Speech (N,) float32 of one normalised sentence; empty where it holds nothing to pronounce."""

    def synthesise(
        self, text: str, style: str = "neutral", speed: float = 1.0, seed: int = 0
    ) -> tuple[np.ndarray, int]:
        """Speech of the whole text: samples (N,) float32 within ±1, and the sample rate in Hz.

        Args:
            text: plain text of any length; markup such as SSML is not interpreted.
            style: one of `styles`.
            speed: 0.5 to 2; the duration is that of speed 1 divided by it.
            seed: Random seed; equal seeds give equal samples.

        Raises:
            InputError: for text with nothing to pronounce, a style that the speaker lacks, or a speed out of range.
        """
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
        """The same speech sentence by sentence, each (N,) float32 after the pause that precedes it.

        A sentence is handed out before the next one is spoken. `pauses` scales the silences between sentences; before
        the first and after the last one lies `EDGE_PAUSE`, as in a recording. With `opening`, the first phrase of a
        long first sentence is spoken and handed out by itself.
        """
        if not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise InputError(f"speed {speed:g} is out of range; it goes from {SPEEDS[0]:g} to {SPEEDS[1]:g}")
        if style not in self.styles:
            raise InputError(f"base speaker {self.name} has no style {style!r}; it has: {', '.join(self.styles)}")
        edge = np.zeros(round(EDGE_PAUSE / speed * self.sample_rate), np.float32)
        chance = np.random.default_rng(seed)

        def in_room(samples: np.ndarray) -> np.ndarray:
            return samples + self.room_noise * chance.standard_normal(len(samples), np.float32)

        silence, spoken, ended = edge, False, False
        listed = sentences(text, self.language)
        listed = opened(listed) if opening else listed
        sentence = next(listed, None)
        while sentence is not None:
            speech, following = self.say(sentence.text, style, speed, seed), next(listed, None)
            if len(speech):
                ended = following is None  # the last sentence ends in another silence
                yield in_room(np.concatenate([silence, speech, edge] if ended else [silence, speech]))
                silence = np.zeros(round(sentence.pause * pauses / speed * self.sample_rate), np.float32)
                spoken = True
            sentence = following
        if not spoken:
            raise InputError("the text holds nothing that can be pronounced")
        if not ended:
            yield in_room(edge)


def speak(
    speaker: BaseSpeaker, text: str, style: Style, speed: float = 1.0, seed: int = 0, opening: bool = False
) -> Iterator[np.ndarray]:
    """Styled speech sentence by sentence, each (N,) float32 at `speaker.sample_rate`, pauses included.

    A style that the speaker has of its own is left to it, pitch included and whatever the strength; any other one is an
    edit of its neutral speech. The rate of the style is always the speaker's: that changes the speed without an edit of
    the audio.
    """
    native = style.name if style.name in speaker.styles else "neutral"
    rate = float(np.clip(speed * style.rate, *SPEEDS))
    edit = dataclasses.replace(style, rate=speed * style.rate / rate, pauses=1.0)
    for speech in speaker.stream(text, native, rate, seed, style.pauses, opening):
        yield speech if native != "neutral" else apply_style(speech, speaker.sample_rate, edit)

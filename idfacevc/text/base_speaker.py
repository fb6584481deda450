"""What turns text into source speech, whatever makes the sound: one protocol, its sentence-wise part, and a factory."""

from __future__ import annotations

import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from idfacevc.errors import InputError
from idfacevc.text.normalise import sentences
from idfacevc.text.style import Style, apply_style

logger = logging.getLogger(__name__)

SPEEDS = (0.5, 2.0)
EDGE_PAUSE = 0.25  # seconds at speed 1
NAMES = ("openvoice", "vits", "piper", "kokoro", "espeak")  # "auto" takes the first that is present


class BaseSpeaker(Protocol):
    """Source speech from text. The timbre does not matter: the converter replaces it.

    Attributes:
        name: one of `NAMES`.
        sample_rate: of every result, in Hz.
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
        self, text: str, style: str = "neutral", speed: float = 1.0, seed: int = 0, pauses: float = 1.0
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
            seed: of speakers that draw random numbers; the same seed gives the same samples.

        Raises:
            InputError: for text with nothing to pronounce, a style that the speaker lacks, or a speed out of range.
        """
        return np.concatenate(list(self.stream(text, style, speed, seed))), self.sample_rate

    def stream(
        self, text: str, style: str = "neutral", speed: float = 1.0, seed: int = 0, pauses: float = 1.0
    ) -> Iterator[np.ndarray]:
        """The same speech sentence by sentence, each (N,) float32 after the pause that precedes it.

        Two sentences are held at a time. `pauses` scales the silences between sentences; before the first and after the
        last one lies `EDGE_PAUSE`, as in a recording.
        """
        if not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise InputError(f"speed {speed:g} is out of range; it goes from {SPEEDS[0]:g} to {SPEEDS[1]:g}")
        if style not in self.styles:
            raise InputError(f"base speaker {self.name} has no style {style!r}; it has: {', '.join(self.styles)}")
        edge = np.zeros(round(EDGE_PAUSE / speed * self.sample_rate), np.float32)
        chance = np.random.default_rng(seed)

        def in_room(samples: np.ndarray) -> np.ndarray:
            return samples + self.room_noise * chance.standard_normal(len(samples), np.float32)

        silence, waiting = edge, None
        for sentence in sentences(text, self.language):
            speech = self.say(sentence.text, style, speed, seed)
            if not len(speech):
                continue
            # A sentence waits until it is known whether another follows, since the last one ends in another silence.
            if waiting is not None:
                yield in_room(waiting)
            waiting = np.concatenate([silence, speech])
            silence = np.zeros(round(sentence.pause * pauses / speed * self.sample_rate), np.float32)
        if waiting is None:
            raise InputError("the text holds nothing that can be pronounced")
        yield in_room(np.concatenate([waiting, edge]))


def base_speaker(
    name: str = "auto", language: str = "en", folder: str | Path | None = None, speaker: int = 0
) -> BaseSpeaker:
    """The base speaker of that name, loaded from this machine; no network is used.

    Args:
        name: one of `NAMES`, or "auto" for the best one whose weights are here, which is logged.
        language: code such as "en" or "de".
        folder: the weights of "vits" or "openvoice", or a hub id of the former; the .onnx file of a Piper voice or of
            Kokoro. Without it the packages and the hub's cache are looked at.
        speaker: number in a "vits" or "piper" with several speakers, from 0.

    Raises:
        InputError: for an unknown name, a language that the speaker lacks, or weights that are not here.
    """
    if name == "auto":
        name = _best(language, folder)
        logger.info("base speaker: %s", name)
    if name == "espeak":
        from idfacevc.text.espeak import EspeakSpeaker

        return EspeakSpeaker(language)
    if name == "vits":
        from idfacevc.text import vits

        known = vits.sources(language)
        source = folder or next(filter(_in_cache, known), known[0])
        return vits.VitsSpeaker(source, language, speaker)
    if name == "openvoice":
        from idfacevc.text import openvoice

        if language.lower().split("-")[0] not in openvoice.OpenVoiceSpeaker.languages:
            raise InputError(f"base speaker openvoice has no language {language!r}; it has: en")
        return openvoice.OpenVoiceSpeaker(folder or openvoice.cached_folder())
    if name == "piper":
        from idfacevc.text.speakers.piper import PiperSpeaker

        piper = PiperSpeaker(folder, speaker)
        _check_language(piper, language)
        return piper
    if name == "kokoro":
        from idfacevc.text.speakers.kokoro import KokoroSpeaker

        kokoro = KokoroSpeaker(weights=folder)
        _check_language(kokoro, language)
        return kokoro
    raise InputError(f"unknown base speaker {name!r}; there are: auto, {', '.join(NAMES)}")


def _best(language: str, folder: str | Path | None) -> str:
    """The name of the best speaker that can be loaded from `folder`, or from this machine without one."""
    from idfacevc.text import openvoice, vits
    from idfacevc.text.speakers import kokoro, piper

    if folder is not None and Path(folder).suffix == ".onnx":
        return "piper"
    if folder is not None:
        return "openvoice" if (Path(folder) / "checkpoint.pth").exists() else "vits"
    if language.lower().split("-")[0] == "en" and all(_in_cache(openvoice.HUB, file) for file in openvoice.HUB_FILES):
        return "openvoice"
    if any(map(_in_cache, vits.sources(language))):
        return "vits"
    if language.lower().split("-")[0] != "en":
        return "espeak"
    return "piper" if piper.available() else "kokoro" if kokoro.available() else "espeak"


def _check_language(speaker: BaseSpeaker, language: str) -> None:
    if language.lower().split("-")[0] not in speaker.languages:
        known = ", ".join(speaker.languages)
        raise InputError(f"base speaker {speaker.name} has no language {language!r}; it has: {known}")


def _in_cache(repository: str, file: str = "model.safetensors") -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, file), str)


def speak(speaker: BaseSpeaker, text: str, style: Style, speed: float = 1.0, seed: int = 0) -> Iterator[np.ndarray]:
    """Styled speech sentence by sentence, each (N,) float32 at `speaker.sample_rate`, pauses included.

    A style that the speaker has of its own is left to it, pitch included and whatever the strength; any other one is an
    edit of its neutral speech. The rate of the style is always the speaker's: that changes the speed without an edit of
    the audio.
    """
    native = style.name if style.name in speaker.styles else "neutral"
    rate = float(np.clip(speed * style.rate, *SPEEDS))
    edit = dataclasses.replace(style, rate=speed * style.rate / rate, pauses=1.0)
    for speech in speaker.stream(text, native, rate, seed, style.pauses):
        yield speech if native != "neutral" else apply_style(speech, speaker.sample_rate, edit)

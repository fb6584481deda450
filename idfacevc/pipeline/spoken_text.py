"""A text, spoken by a base speaker, as passages that are converted one by one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from idfacevc.audio.io import SHORTEST_SECONDS, load_audio
from idfacevc.pipeline.options import ConversionOptions
from idfacevc.text.speakers import registry
from idfacevc.text.speakers.base import BaseSpeaker, speak

_PASSAGE = 4.0  # seconds of a passage, or one sentence: long enough for the pitch to be normalised over it


def text_passages(text: str, options: ConversionOptions, rate: int, hop: int) -> Iterator[np.ndarray]:
    """Passages (n,) of whole sentences and whole frames, each at least 0.3 s.

    Args:
        text: Plain text of any length.
        options: Base speaker, language, style, speed and seed.
        rate: Sample rate of the passages in Hz.
        hop: Samples of a frame.
    """
    speaker = _speaker(os.fspath(options.base_speaker), options.language, options.speaker)
    shortest = math.ceil(SHORTEST_SECONDS * speaker.sample_rate)

    def passage() -> np.ndarray:
        spoken = np.concatenate(waiting)
        spoken = np.pad(spoken, (0, max(0, shortest - len(spoken))))  # a quick "Hi." is too short to analyse
        wave = load_audio((spoken, speaker.sample_rate), rate)
        return np.pad(wave, (0, -len(wave) % hop))

    waiting: list[np.ndarray] = []
    style = options.chosen_style.before_conversion()
    for sentence in speak(speaker, text, style, options.speed, options.seed):
        waiting.append(sentence)
        if sum(map(len, waiting)) >= _PASSAGE * speaker.sample_rate:
            yield passage()
            waiting = []
    if waiting:
        yield passage()


@lru_cache(maxsize=1)
def _speaker(name: str, language: str, speaker: int) -> BaseSpeaker:
    """The base speaker of that name, or the one that a folder or hub id of that name holds."""
    if name not in ("auto", *registry.NAMES) and ("/" in name or Path(name).exists()):
        return registry.base_speaker("auto", language, name, speaker)
    return registry.base_speaker(name, language, speaker=speaker)

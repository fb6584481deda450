"""One protocol for every synthesiser whose voice is a vector (Vclip, section 3.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from idfacevc.errors import InputError
from idfacevc.text.speakers.base import BaseSpeaker


@dataclass(frozen=True)
class SpeakerBank:
    """The real voices of a space.

    Attributes:
        names: n of them.
        vectors: (n, E).
        genders: "f", "m" or "" of each.
        licence: Licence of the voices.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    genders: tuple[str, ...]
    licence: str


class SpeakerSpace(ABC):
    """Vectors of `dim` numbers, each of which is a voice.

    Attributes:
        name: Name of the space; a voice of another space is refused.
        dim: E.
        unit_norm: whether only the direction of a vector counts.
        sample_rate: Sample rate of the speech in Hz.
    """

    name: str
    dim: int
    unit_norm: bool = False
    sample_rate: int

    @abstractmethod
    def bank(self) -> SpeakerBank:
        """The voices that came with the synthesiser."""

    @abstractmethod
    def speaker(self, vector: np.ndarray) -> BaseSpeaker:
        """What speaks texts in the voice (E,)."""

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """The nearest valid vectors (..., E) of any (..., E), float32.

        Raises:
            InputError: for another length, numbers that are not finite, and a vector without direction where only that
                counts.
        """
        vectors = np.asarray(vectors, np.float32)
        if vectors.shape[-1:] != (self.dim,) or not np.isfinite(vectors).all():
            raise InputError(f"a voice of {self.name} is {self.dim} finite numbers, not {vectors.shape}")
        if not self.unit_norm:
            return vectors
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        if not length.all():
            raise InputError(f"a voice of {self.name} is a direction, and zeros have none")
        return vectors / length

    def speak(self, vector: np.ndarray, text: str, seed: int = 0) -> tuple[np.ndarray, int]:
        """Speech of a text in a voice (E,): samples (N,) float32 within ±1, and the sample rate in Hz."""
        return self.speaker(self.project(vector)).synthesise(text, seed=seed)

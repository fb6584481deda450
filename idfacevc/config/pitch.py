"""Pitch: what the decoder reads of the contour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class NormalisedPitchSpec:
    """Log-F0 of zero mean and unit deviation, 0 where unvoiced (the paper): the decoder makes the register itself.

    Attributes:
        channels: 1, or 2 with a voicing flag (OPEN 1).
    """

    kind: Literal["normalised"] = "normalised"
    channels: int = 1

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return self.channels


@dataclass(frozen=True)
class RegisterPitchSpec:
    """The contour in the register of the voice, as soft bins of log-frequency with a voicing flag.

    A small head reads mean and deviation of log-F0 off the voice, so a contour that is asked for is the one heard.

    Attributes:
        bins, low, high: Number of bins and their outermost frequencies in Hz.
    """

    kind: Literal["register"] = "register"
    bins: int = 32
    low: float = 60.0
    high: float = 500.0

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return self.bins + 1


@dataclass(frozen=True)
class NoPitchSpec:
    """No pitch: the decoder finds the contour in the content (FaceVC, SP-FaceVC)."""

    kind: Literal["none"] = "none"

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return 0


PitchSpec = NormalisedPitchSpec | RegisterPitchSpec | NoPitchSpec

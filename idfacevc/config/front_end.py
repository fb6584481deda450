"""The log-mel front end that the acoustic model and its vocoder share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FrontEndSpec:
    """Log-mel front end. The acoustic model and the vocoder must agree on all of it.

    Attributes:
        sample_rate: Samples a second, in Hz.
        n_fft, hop_length, win_length: In samples; the window is a periodic Hann, frames are centred, reflect padding.
        n_mels, fmin, fmax: Slaney mel bands with Slaney area norm over the magnitude spectrum, limits in Hz.
        log: "log10" or "ln" of max(mel, floor).
        floor: smallest mel value before the logarithm.
    """

    sample_rate: int = 16000
    n_fft: int = 400
    hop_length: int = 160
    win_length: int = 400
    n_mels: int = 80
    fmin: float = 80.0
    fmax: float = 7600.0
    log: Literal["log10", "ln"] = "log10"
    floor: float = 1e-10

    @property
    def frame_period(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop_length / self.sample_rate

    def frames(self, samples: int) -> int:
        """Frames T of a wave of N samples: 1 + floor(N / hop)."""
        return 1 + samples // self.hop_length

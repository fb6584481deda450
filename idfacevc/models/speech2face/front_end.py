"""The compressed complex spectrogram of six seconds of speech (Speech2Face, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor

RATE = 16000
SECONDS = 6
WINDOW, HOP, FFT = 400, 160, 512
EXPONENT = 0.3


def spectrogram(wav: Tensor) -> Tensor:
    """Real and imaginary part, each compressed. Shape: (B, N) at 16 kHz -> (B, 2, 257, 598).

    What is longer than six seconds is cut, what is shorter is repeated. No frame reaches beyond the recording.
    """
    samples = SECONDS * RATE
    wav = wav.repeat(1, -(-samples // wav.shape[1]))[:, :samples]
    frames = wav.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW, dtype=wav.dtype, device=wav.device)
    spectrum = torch.fft.rfft(frames, FFT).transpose(1, 2)
    return compress(torch.stack([spectrum.real, spectrum.imag], dim=1))


def compress(values: Tensor) -> Tensor:
    """Sign and magnitude to the power of 0.3, of any shape."""
    return values.sign() * values.abs() ** EXPONENT

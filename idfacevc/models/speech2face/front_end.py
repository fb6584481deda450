"""What the voice encoder reads of six seconds of speech (Speech2Face, section 4), or of their log-mel."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.audio.mel import LogMel
from idfacevc.config.front_end import FrontEndSpec

RATE = 16000
SECONDS = 6
WINDOW, HOP, FFT = 400, 160, 512
BINS = FFT // 2 + 1
EXPONENT = 0.3

MEL = FrontEndSpec(floor=1e-5)  # that of the demo's shards
BANDS = MEL.n_mels
_RANGE = 3.0  # 60 dB below the loudest band, under which recordings differ by their noise alone


def spectrogram(wav: Tensor) -> Tensor:
    """Real and imaginary part, each compressed. Shape: (B, N) at 16 kHz -> (B, 2, 257, 598).

    What is longer than six seconds is cut, what is shorter is repeated. No frame reaches beyond the recording.
    """
    wav = six_seconds(wav)
    frames = wav.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW, dtype=wav.dtype, device=wav.device)
    spectrum = torch.fft.rfft(frames, FFT).transpose(1, 2)
    return compress(torch.stack([spectrum.real, spectrum.imag], dim=1))


def six_seconds(wav: Tensor) -> Tensor:
    """Shape: (B, N) at 16 kHz -> (B, 96000): cut, or repeated."""
    samples = SECONDS * RATE
    return wav.repeat(1, -(-samples // wav.shape[1]))[:, :samples]


def compress(values: Tensor) -> Tensor:
    """Sign and magnitude to the power of 0.3, of any shape."""
    return values.sign() * values.abs() ** EXPONENT


def log_mel(wav: Tensor) -> Tensor:
    """Shape: (B, N) at 16 kHz -> (B, 1, 80, 300); cut or repeated as by `spectrogram`."""
    return at_zero_mean(_log_mel()(six_seconds(wav)))


def at_zero_mean(mel: Tensor) -> Tensor:
    """What the encoder reads of log-mels (B, M, T) of `MEL`: (B, 1, M, T // 2).

    Freed of loudness and of what lies below 60 dB, and halved in time: the network's first layers cost by the frame.
    """
    mel = F.avg_pool1d(mel, 2)
    mel = torch.maximum(mel, mel.amax(dim=(1, 2), keepdim=True) - _RANGE)
    return (mel - mel.mean(dim=(1, 2), keepdim=True))[:, None]


@lru_cache(maxsize=1)
def _log_mel() -> LogMel:
    return LogMel(MEL)

"""Log-mel front end in torch, equal to librosa's."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.front_end import FrontEndSpec

_LINEAR_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    hz = np.asarray(hz, dtype=np.float64)
    logarithmic = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ_PER_MEL, logarithmic)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Inverse of `hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ_PER_MEL, logarithmic)


def band_edges(spec: FrontEndSpec) -> np.ndarray:
    """In Hz, (M + 2,): band m reaches from edge m to edge m + 2 and peaks at edge m + 1."""
    return mel_to_hz(np.linspace(hz_to_mel(np.array(spec.fmin)), hz_to_mel(np.array(spec.fmax)), spec.n_mels + 2))


def mel_filterbank(spec: FrontEndSpec) -> np.ndarray:
    """Triangular filters of unit area, float32 (M, n_fft // 2 + 1)."""
    edges = band_edges(spec)
    bins = np.linspace(0, spec.sample_rate / 2, spec.n_fft // 2 + 1)
    ramps = edges[:, None] - bins[None, :]
    widths = np.diff(edges)[:, None]
    rising = -ramps[:-2] / widths[:-1]
    falling = ramps[2:] / widths[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


class LogMel(nn.Module):
    """Wave to log-mel.

    Shape: wav (B, N) -> mel (B, M, T), T = 1 + floor(N / hop). N must exceed n_fft / 2, the reflect padding.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, spec: FrontEndSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.hann_window(spec.win_length, device="cpu"), persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filterbank(spec)), persistent=False)

    def magnitude(self, wav: Tensor) -> Tensor:
        """Magnitude spectrogram (B, n_fft // 2 + 1, T)."""
        return stft(wav, self.spec, self.window).abs()

    def forward(self, wav: Tensor) -> Tensor:
        mel = torch.matmul(self.filters, self.magnitude(wav)).clamp_min(self.spec.floor)
        return torch.log10(mel) if self.spec.log == "log10" else torch.log(mel)


def stft(wav: Tensor, spec: FrontEndSpec, window: Tensor) -> Tensor:
    """Complex spectrogram (B, n_fft // 2 + 1, T) of wav (B, N); centred, reflect padding."""
    return torch.stft(
        wav, spec.n_fft, spec.hop_length, spec.win_length, window, center=True, pad_mode="reflect", return_complex=True
    )


def cepstral_lifter(mel: Tensor, cutoff: int, basis: str = "dct2") -> Tensor:
    """Keep the first `cutoff` cepstral coefficients of each frame (SP-FaceVC's content transform).

    `basis` "dct3" analyses with the DCT-III as SP-FaceVC's released code does; "dct2" keeps constant offsets.
    Shape: (B, M, T) -> (B, M, T).
    """
    bins = mel.shape[-2]
    order = torch.arange(bins, dtype=torch.float64)
    synthesis = torch.cos(math.pi / bins * (order[:, None] + 0.5) * order[None, :]) * math.sqrt(2 / bins)
    synthesis[:, 0] /= math.sqrt(2)
    matrix = synthesis if basis == "dct2" else synthesis.T  # both are orthonormal, so the inverse is the transpose
    projection = (matrix[:, :cutoff] @ matrix[:, :cutoff].T).to(mel)
    return torch.matmul(projection, mel)


def warp_mel_axis(mel: Tensor, factor: Tensor) -> Tensor:
    """Stretch the mel axis by `factor` (B,), which moves formants as another vocal-tract length does.

    Shape: (B, M, T) -> (B, M, T); bins beyond the top repeat the last one.
    """
    bins = mel.shape[1]
    position = (torch.arange(bins, device=mel.device, dtype=mel.dtype)[None] / factor[:, None]).clamp(max=bins - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=bins - 1)
    weight = (position - low)[..., None]

    def take(index: Tensor) -> Tensor:
        return mel.gather(1, index[..., None].expand(-1, -1, mel.shape[2]))

    return take(low) * (1 - weight) + take(high) * weight


def random_equaliser(mel: Tensor, std: float, generator: torch.Generator | None = None) -> Tensor:
    """A smooth random gain over the mel axis, `std` in the mel's own (normalised) unit. Shape: (B, M, 1)."""
    knots = torch.randn(mel.shape[0], 1, 6, generator=generator, device=mel.device, dtype=mel.dtype) * std
    return F.interpolate(knots, mel.shape[1], mode="linear", align_corners=True).transpose(1, 2)

"""Source-filter vocoder at the frame rate: a harmonic and a noise source, filtered in the short-time spectrum.

The pitch contour makes a train of pulses, as in neural source-filter models (Wang, Takaki, Yamagishi 2019) and
harmonic-plus-noise ParallelWaveGAN. A network at the frame rate, as in Vocos (Siuzdak 2023), reads the mel and gives
for every frame a complex filter for the pulses and a real one for noise; the inverse transform adds the frames up:

    wave = iSTFT( exp(a + i b) * STFT(pulses) + exp(c) * STFT(noise) )        a, b, c: (bins) per frame, from the mel
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.vocoder import SourceFilterSpec
from idfacevc.nn.convnext import ConvNeXtBlock

_REFERENCE_HZ = 160.0  # pitch is read relative to it, in octaves
_LARGEST_LOG = 6.0  # of a filter's gain, so that no weight can make a wave overflow


class SourceFilterGenerator(nn.Module):
    """Mel and pitch to a wave.

    Args:
        spec: Sizes.
        n_mels: Mel bands M.
        hop: Samples of a frame.
        sample_rate: In Hz.

    Shape: normalised mel (B, M, T), f0 (B, T) in Hz with 0 where unvoiced, pulses and noise (B, T * hop) -> wave
    (B, T * hop). Sample t * hop is the centre of frame t.
    """

    window: Tensor

    def __init__(self, spec: SourceFilterSpec, n_mels: int, hop: int, sample_rate: int) -> None:
        super().__init__()
        self.spec, self.hop, self.sample_rate = spec, hop, sample_rate
        self.enter = nn.Conv1d(n_mels + 2, spec.channels, spec.kernel, padding=spec.kernel // 2)
        self.blocks = nn.ModuleList(ConvNeXtBlock(spec.channels, spec.hidden, spec.kernel) for _ in range(spec.blocks))
        self.norm = nn.LayerNorm(spec.channels)
        self.filters = nn.Linear(spec.channels, 3 * (spec.window // 2 + 1))
        nn.init.normal_(self.filters.weight, std=0.01)
        nn.init.constant_(self.filters.bias, 0.0)
        with torch.no_grad():
            # gains begin near those of speech at a usual level, phases at zero
            self.filters.bias.view(3, -1)[[0, 2]] = -4.0
        self.register_buffer("window", torch.hann_window(spec.window, device="cpu"), persistent=False)

    @property
    def reach(self) -> int:
        """Frames that a sample depends on at each side."""
        half = self.spec.kernel // 2
        return half * (self.spec.blocks + 1) + self.spec.window // self.hop

    def forward(self, mel: Tensor, f0: Tensor, pulses: Tensor, noise: Tensor) -> Tensor:
        voiced = f0 > 0
        octaves = torch.where(voiced, (f0.clamp_min(1.0) / _REFERENCE_HZ).log2(), 0.0)
        x = self.enter(torch.cat([mel, voiced[:, None].to(mel.dtype), octaves[:, None].to(mel.dtype)], dim=1))
        x = x.transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        log_pulse, phase, log_noise = self.filters(self.norm(x)).float().chunk(3, dim=-1)
        pulse_filter = torch.polar(log_pulse.clamp(max=_LARGEST_LOG).exp(), phase)
        noise_filter = log_noise.clamp(max=_LARGEST_LOG).exp()
        return self._add_up(pulse_filter * self._spectrum(pulses) + noise_filter * self._spectrum(noise))

    def _spectrum(self, source: Tensor) -> Tensor:
        """Spectra (B, T, bins) of a source (B, T * hop), windows centred on the frames."""
        half = self.spec.window // 2
        padded = F.pad(source, (half, half - self.hop))
        return torch.fft.rfft(padded.unfold(1, self.spec.window, self.hop) * self.window)

    def _add_up(self, spectra: Tensor) -> Tensor:
        """Wave (B, T * hop) of spectra (B, T, bins), weighted so that unchanged spectra give the wave back."""
        size, frames = self.spec.window, spectra.shape[1]
        length = (frames - 1) * self.hop + size
        pieces = torch.fft.irfft(spectra, size) * self.window

        def fold(windows: Tensor) -> Tensor:
            columns = windows.transpose(1, 2)
            return F.fold(columns, (1, length), (1, size), stride=(1, self.hop))[:, 0, 0]

        envelope = fold((self.window**2).expand(1, frames, size))
        wave = fold(pieces) / envelope.clamp_min(1e-3)
        return wave[:, size // 2 : size // 2 + frames * self.hop]


def pulse_train(f0: Tensor, hop: int, sample_rate: int, phase: float = 0.0) -> tuple[Tensor, float]:
    """Pulses (T * hop,) of a pitch contour (T,) in Hz, 0 where unvoiced, of unit power where voiced.

    All harmonics below half the sample rate with equal amplitude: the Dirichlet kernel
    sum_{k=1..K} cos(k p) = (sin((K + 1/2) p) / sin(p / 2) - 1) / 2.

    Args:
        f0: Pitch in Hz, one value a frame; it is constant over a frame.
        hop: Samples of a frame.
        sample_rate: In Hz.
        phase: Phase in radians before the first sample, for a contour that goes on.
    Returns:
        The pulses and the phase after them.
    """
    pitch = f0.double().repeat_interleave(hop)
    phases = phase + torch.cumsum(2 * math.pi * pitch / sample_rate, 0)
    voiced = pitch > 0
    count = torch.where(voiced, (sample_rate / 2 / pitch.clamp_min(1.0)).floor(), 1.0)
    wrapped = torch.remainder(phases + math.pi, 2 * math.pi) - math.pi
    wrapped = torch.where(wrapped.abs() < 1e-4, 1e-4, wrapped)
    kernel = 0.5 * (torch.sin((count + 0.5) * wrapped) / torch.sin(wrapped / 2) - 1)
    pulses = torch.where(voiced, kernel / (count / 2).sqrt(), 0.0)
    return pulses.float(), float(torch.remainder(phases[-1], 2 * math.pi)) if len(phases) else phase

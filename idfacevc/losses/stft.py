"""Distance of two waves by their magnitude spectra at several resolutions (arXiv 1910.11480, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SMALLEST_POWER = 1e-7


@dataclass(frozen=True)
class Resolution:
    """Sizes of one short-time Fourier transform, in samples."""

    n_fft: int
    hop_length: int
    win_length: int


RESOLUTIONS = (Resolution(1024, 120, 600), Resolution(2048, 240, 1200), Resolution(512, 50, 240))


class MultiResolutionSTFTLoss(nn.Module):
    """Spectral convergence and log-magnitude distance, each the mean over the resolutions.

    Shape: made (B, N), real (B, N) -> two scalars. Spectra are taken in single precision.
    """

    def __init__(self, resolutions: Sequence[Resolution] = RESOLUTIONS) -> None:
        super().__init__()
        self.resolutions = tuple(resolutions)
        for number, one in enumerate(self.resolutions):
            self.register_buffer(f"window{number}", torch.hann_window(one.win_length), persistent=False)

    def forward(self, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        convergence, magnitude = [], []
        for number, one in enumerate(self.resolutions):
            window = getattr(self, f"window{number}")
            ours, theirs = _magnitude(made, one, window), _magnitude(real, one, window)
            convergence.append((theirs - ours).norm() / theirs.norm())
            magnitude.append(F.l1_loss(ours.log(), theirs.log()))
        return torch.stack(convergence).mean(), torch.stack(magnitude).mean()


def _magnitude(wave: Tensor, resolution: Resolution, window: Tensor) -> Tensor:
    spectrum = torch.stft(
        wave.float(), resolution.n_fft, resolution.hop_length, resolution.win_length, window, return_complex=True
    )
    power = spectrum.real**2 + spectrum.imag**2
    return power.clamp_min(_SMALLEST_POWER).sqrt()  # the root has no gradient at zero

"""Resampling and weighting as SciPy and pyloudnorm do them, whose import would take a second of every first file."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

_CROSSINGS, _BETA = 10, 5.0  # of the window of SciPy's `resample_poly`
_SMALL = 8  # the largest factor of a ratio that is resampled here, by way of a wave at the higher rate
_LASTS = 0.3  # seconds in which the high-pass of 38 Hz has died away, to e^-71


def resampled(wave: np.ndarray, up: int, down: int = 1) -> np.ndarray:
    """A wave (N,) at up / down times its rate, (ceil(N up / down),): `scipy.signal.resample_poly`."""
    up, down = up // math.gcd(up, down), down // math.gcd(up, down)
    if up == down or not len(wave):
        return np.asarray(wave)
    if max(up, down) > _SMALL:
        from scipy.signal import resample_poly

        return resample_poly(wave, up, down).astype(wave.dtype)
    samples = torch.from_numpy(np.ascontiguousarray(wave))[None, None]
    taps = torch.from_numpy(_low_pass(max(up, down)) * up).to(samples.dtype)[None, None]
    half = taps.shape[2] // 2
    if up == 1:
        return F.conv1d(samples, taps, stride=down, padding=half)[0, 0].numpy()
    raised = F.conv_transpose1d(samples, taps, stride=up, padding=half, output_padding=up - 1)[0, 0]
    return raised[::down].contiguous().numpy()


@lru_cache
def _low_pass(factor: int) -> np.ndarray:
    """Taps of a low-pass at 1 / factor of the band, with a Kaiser window and a sum of one."""
    half = _CROSSINGS * factor
    taps = np.sinc(np.arange(-half, half + 1) / factor) * np.kaiser(2 * half + 1, _BETA)
    return taps / taps.sum()


@lru_cache
def k_weighting(rate: int) -> np.ndarray:
    """Impulse response of the K-weighting of ITU-R BS.1770-4 at a rate in Hz: pyloudnorm's two biquads."""
    response = np.zeros(round(_LASTS * rate))
    response[0] = 1.0
    for b, a in (_high_shelf(rate, 1500.0, 4.0, 1 / math.sqrt(2)), _high_pass(rate, 38.0, 0.5)):
        last = [0.0, 0.0]  # transposed direct form II
        for index, value in enumerate(response.tolist()):
            out = b[0] * value + last[0]
            last = [b[1] * value - a[1] * out + last[1], b[2] * value - a[2] * out]
            response[index] = out
    return response


def _high_shelf(rate: int, frequency: float, gain_db: float, q: float) -> tuple[np.ndarray, np.ndarray]:
    """Biquad (b, a) of R. Bristow-Johnson's cookbook."""
    level, angle = 10 ** (gain_db / 40), 2 * math.pi * frequency / rate
    cosine, slope = math.cos(angle), 2 * math.sqrt(level) * math.sin(angle) / (2 * q)
    above, below = level + 1, level - 1
    b = level * np.array(
        [above + below * cosine + slope, -2 * (below + above * cosine), above + below * cosine - slope]
    )
    a = np.array([above - below * cosine + slope, 2 * (below - above * cosine), above - below * cosine - slope])
    return b / a[0], a / a[0]


def _high_pass(rate: int, frequency: float, q: float) -> tuple[np.ndarray, np.ndarray]:
    """Biquad (b, a) of R. Bristow-Johnson's cookbook."""
    angle = 2 * math.pi * frequency / rate
    cosine, alpha = math.cos(angle), math.sin(angle) / (2 * q)
    b = np.array([(1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2])
    a = np.array([1 + alpha, -2 * cosine, 1 - alpha])
    return b / a[0], a / a[0]


class Convolution:
    """A causal filter of a wave that comes in pieces (n,), by its impulse response (L,)."""

    def __init__(self, response: np.ndarray) -> None:
        self._response = response
        self._before = np.zeros(len(response) - 1)
        self._spectra: dict[int, np.ndarray] = {}

    def __call__(self, piece: np.ndarray) -> np.ndarray:
        """As many samples."""
        wave = np.concatenate([self._before, piece])
        size = 1 << (len(wave) - 1).bit_length()
        if size not in self._spectra:
            self._spectra = {size: np.fft.rfft(self._response, size)}
        out = np.fft.irfft(np.fft.rfft(wave, size) * self._spectra[size], size)
        start = len(self._before)
        self._before = wave[len(wave) - start :]
        return out[start : start + len(piece)]

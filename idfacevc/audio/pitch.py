"""WORLD pitch: natural-log F0, 0 where unvoiced, and its per-utterance normalisation."""

from __future__ import annotations

import numpy as np

from idfacevc.config.front_end import FrontEndSpec

_EPSILON = 1e-8
_BLOCK_SECONDS = 30.0
_MARGIN_SECONDS = 1.0


def log_f0(wav: np.ndarray, spec: FrontEndSpec) -> np.ndarray:
    """Log-F0 by DIO and StoneMask at the front end's frame period (VQMIVC's extractor).

    Long recordings are analysed in overlapping blocks, so memory does not grow with length.

    Args:
        wav: (N,) at spec.sample_rate.
    Returns:
        float32 (T,), T = 1 + floor(N / hop): ln Hz on voiced frames, 0 on unvoiced ones.
    """
    total = spec.frames(len(wav))
    block = int(_BLOCK_SECONDS / spec.frame_period)
    margin = int(_MARGIN_SECONDS / spec.frame_period)
    if total <= block + 2 * margin:
        return _dio(wav, spec)[:total]
    out = np.zeros(total, dtype=np.float32)
    for start in range(0, total, block):
        stop = min(start + block, total)
        first = max(0, start - margin)
        piece = wav[first * spec.hop_length : (stop + margin) * spec.hop_length]
        out[start:stop] = _dio(piece, spec)[start - first : stop - first]
    return out


def _dio(wav: np.ndarray, spec: FrontEndSpec) -> np.ndarray:
    import pyworld

    samples = np.ascontiguousarray(wav, dtype=np.float64)
    f0, times = pyworld.dio(samples, spec.sample_rate, frame_period=spec.frame_period * 1000)
    f0 = pyworld.stonemask(samples, f0, times, spec.sample_rate)
    voiced = f0 > 0
    lf0 = np.zeros(spec.frames(len(wav)), dtype=np.float32)
    count = min(len(lf0), len(f0))
    lf0[:count][voiced[:count]] = np.log(f0[:count][voiced[:count]])
    return lf0


def normalise_lf0(lf0: np.ndarray) -> np.ndarray:
    """Zero mean and unit (population) deviation over the voiced frames of one utterance; unvoiced frames stay 0.

    An utterance without voiced frames comes back as zeros; one of constant pitch only loses its mean.
    Shape: (T,) -> (T,).
    """
    voiced = lf0 != 0
    out = np.zeros_like(lf0)
    if not voiced.any():
        return out
    mean, std = lf0[voiced].mean(), lf0[voiced].std()
    out[voiced] = (lf0[voiced] - mean) / (std + _EPSILON if std > 0 else 1.0)
    return out


def pitch_register(lf0: np.ndarray) -> tuple[float, float]:
    """Mean and (population) deviation of the voiced log-F0 (T,) in ln Hz; zeros where nothing is voiced."""
    voiced = lf0[lf0 != 0]
    return (float(voiced.mean()), float(voiced.std())) if len(voiced) else (0.0, 0.0)

"""Level of speech, measured where somebody speaks."""

from __future__ import annotations

import numpy as np

SPEECH_RMS = 0.06  # about -24 dBFS, of the frames that hold speech
_FRAME = 400  # 25 ms at 16 kHz
_ACTIVE = 1e-3  # of the loudest frame's power, 30 dB under it: quieter frames are pauses


def at_speech_level(wav: np.ndarray) -> np.ndarray:
    """A recording (N,) at 16 kHz, scaled so that its frames of speech have a common level; silence stays as it is."""
    wav = np.asarray(wav, dtype=np.float32)
    frames = wav[: len(wav) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    if not len(power) or power.max() < 1e-10:
        return wav
    level = np.sqrt(power[power > _ACTIVE * power.max()].mean())
    return (wav * (SPEECH_RMS / level)).astype(np.float32)

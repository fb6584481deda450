"""The first seconds of speech in a recording, and a clear word where there is none."""

from __future__ import annotations

import numpy as np

from idfacevc.audio.io import AudioSource, load_audio
from idfacevc.audio.pitch import log_f0
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError

SHORTEST = 1.0  # seconds of speech
_SEARCHED = 600.0  # seconds of a recording, from its start, in which speech is looked for
_FRAME = 160
_QUIET_DB, _LOUD = 35.0, 95  # frames this far below the 95th percentile are pauses
_HANGOVER = 15  # frames around speech that are kept: onsets and endings are soft
_PITCH = FrontEndSpec()
# Bounds that 60 recordings of speech keep (their extremes are 0.18, 0.15 and 8 dB) and held notes and noise do not.
_VOICED, _STEADY, _LEVELS_DB = 0.05, 0.3, 3.0
_HELD = 0.0015  # change of ln F0 in 10 ms below which a pitch is held


def first_speech(source: AudioSource, seconds: float) -> np.ndarray:
    """At most the first `seconds` of speech, pauses left out, mono (N,) float32 at 16 kHz.

    Raises:
        InputError: for what `load_audio` refuses, for silence, less than a second of speech, and for what sounds like
            music or noise alone. That is a rule about pitch and level: a song is taken for speech.
    """
    name = "the recording" if isinstance(source, tuple) else str(source)
    wave = np.array(load_audio(source, _PITCH.sample_rate, _SEARCHED))
    speech = without_pauses(wave)[: round(seconds * _PITCH.sample_rate)]
    if len(speech) < SHORTEST * _PITCH.sample_rate:
        found = len(speech) / _PITCH.sample_rate
        raise InputError(f"{name}: holds {found:.1f} s of speech in its first ten minutes; at least 1 s is needed")
    if not is_speech(speech):
        raise InputError(f"{name}: sounds like music or noise, not like speech; give a recording of one person talking")
    return speech


def without_pauses(wave: np.ndarray) -> np.ndarray:
    """What of a recording (N,) at 16 kHz is not much quieter than its loud parts."""
    levels = _levels(wave)
    if not len(levels):
        return wave[:0]
    loud = levels > np.percentile(levels, _LOUD) - _QUIET_DB
    kept = np.convolve(loud, np.ones(2 * _HANGOVER + 1), "same") > 0.5
    return wave[: len(levels) * _FRAME].reshape(-1, _FRAME)[kept].ravel()


def is_speech(wave: np.ndarray) -> bool:
    """Whether pitch and level of a recording (N,) at 16 kHz move as those of speech do."""
    pitch = log_f0(wave, _PITCH)
    voiced = pitch > 0
    steps = np.abs(np.diff(pitch))[voiced[1:] & voiced[:-1]]
    steady = float((steps < _HELD).mean()) if len(steps) else 1.0
    return bool(voiced.mean() > _VOICED and steady < _STEADY and _levels(wave).std() > _LEVELS_DB)


def _levels(wave: np.ndarray) -> np.ndarray:
    """Level in dB of each 10 ms."""
    frames = wave[: len(wave) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    return 10 * np.log10(np.square(frames).mean(axis=1) + 1e-10)

"""Speaking styles: numbers that change how a sentence is said, and the edit of the audio that they ask for.

The edit is analysis and synthesis by WORLD (Morise, Yokomori and Ozawa 2016: F0, spectral envelope and aperiodicity,
each changed by itself), so that it works on the speech of every base speaker and on recordings alike. A conversion
replaces pitch, level and tilt by those of its own voice, so that the converter applies them: `Style.before_conversion`
leaves them out here.
"""

from __future__ import annotations

import dataclasses
import math
import os
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pyworld
import yaml

from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError
from idfacevc.files import read_yaml

_FRAME = 5.0  # ms
_CHUNK = 20.0  # s that are analysed at once: bounds the memory, about 2 MB a second
_F0_LIMITS = (40.0, 800.0)  # Hz
TILT_PIVOT = 1000.0  # Hz, which a change of tilt leaves as it is
_SILENCE_DB = -40.0  # below the loudest frame
_SHORTEST_PAUSE = 0.12  # s; shorter silences belong to plosives


@dataclass(frozen=True)
class Style:
    """How to speak, as differences from a neutral reading; the defaults change nothing.

    Attributes:
        name: of the preset, for base speakers that have styles of their own.
        pitch_range: factor of the log-F0 contour's distance from its mean.
        pitch_shift: Shift of the whole contour in semitones.
        energy_db: level, in dB.
        spectral_tilt: Tilt in dB/octave around 1 kHz; positive is brighter. The level stays.
        rate: factor of the speed; the duration is divided by it.
        breathiness: 0 to 1, share of the periodic part that becomes noise.
        whisper: no periodic part at all.
        pauses: factor of the silences' duration, on top of `rate`.
    """

    name: str = "neutral"
    pitch_range: float = 1.0
    pitch_shift: float = 0.0
    energy_db: float = 0.0
    spectral_tilt: float = 0.0
    rate: float = 1.0
    breathiness: float = 0.0
    whisper: bool = False
    pauses: float = 1.0

    def __post_init__(self) -> None:
        for key in ("pitch_range", "pitch_shift", "energy_db", "spectral_tilt", "rate", "breathiness", "pauses"):
            if not math.isfinite(getattr(self, key)):
                raise InputError(f"style {self.name}: {key} must be a finite number")
        if self.rate <= 0:
            raise InputError(f"style {self.name}: rate {self.rate:g} must be positive")
        for key in ("pitch_range", "pauses"):
            if getattr(self, key) < 0:
                raise InputError(f"style {self.name}: {key} {getattr(self, key):g} must not be negative")
        if not 0 <= self.breathiness <= 1:
            raise InputError(f"style {self.name}: breathiness {self.breathiness:g} must lie between 0 and 1")

    def before_conversion(self) -> Style:
        """What survives a conversion: rate, pauses, breathiness and whisper."""
        return dataclasses.replace(self, pitch_range=1.0, pitch_shift=0.0, energy_db=0.0, spectral_tilt=0.0)

    def scaled(self, strength: float) -> Style:
        """This style at a strength of 0 (neutral) to 2: factors to the power of it, the rest times it.

        A voice cannot whisper by halves: whispering starts at strength 0.5.
        """
        if not 0 <= strength <= 2:
            raise InputError(f"style strength {strength:g} is out of range; it goes from 0 to 2")
        return Style(
            name=self.name if strength else "neutral",
            pitch_range=self.pitch_range**strength,
            pitch_shift=self.pitch_shift * strength,
            energy_db=self.energy_db * strength,
            spectral_tilt=self.spectral_tilt * strength,
            rate=self.rate**strength,
            breathiness=min(1.0, self.breathiness * strength),
            whisper=self.whisper and strength >= 0.5,
            pauses=self.pauses**strength,
        )


def load_styles(path: str | os.PathLike[str] | None = None) -> dict[str, Style]:
    """The presets by name; styles of the YAML file `path`, written as presets.yaml is, are added or replace them.

    Raises:
        InputError: for a file that cannot be read, an unknown key or a value out of range.
    """
    source = resources.files("idfacevc.text").joinpath("presets.yaml")
    values = yaml.safe_load(source.read_text(encoding="utf-8"))
    if path is not None:
        values |= read_yaml(path)
    return {name: _style(str(name), fields) for name, fields in values.items()}


def _style(name: str, fields: Any) -> Style:
    if not isinstance(fields, dict):
        raise InputError(f"style {name}: expected a mapping, got {fields!r}")
    try:
        return from_dict(Style, {"name": name, **fields}, f"style {name}")
    except InputError as error:
        raise InputError(str(error)) from None


def style(name: str, strength: float = 1.0, path: str | os.PathLike[str] | None = None) -> Style:
    """The preset of that name at that strength (0 neutral, 1 as written, 2 exaggerated)."""
    styles = load_styles(path)
    if name not in styles:
        raise InputError(f"unknown style {name!r}; there are: {', '.join(styles)}")
    return styles[name].scaled(strength)


def apply_style(samples: np.ndarray, sample_rate: int, style: Style) -> np.ndarray:
    """Speech said in a style.

    Args:
        samples: (N,) finite float within ±1, speech of any length.
        sample_rate: Sample rate in Hz, 8000 or more.
        style: a neutral one returns `samples` as they are.

    Returns:
        (N / rate,) float32 within ±1, the silences scaled by `pauses` besides.
    """
    if dataclasses.replace(style, name="neutral") == Style():
        return samples
    if not len(samples):
        return samples
    wave = np.ascontiguousarray(samples, dtype=np.float64)
    chunks = list(_chunks(wave, sample_rate))
    voiced = np.concatenate([_f0(chunk, sample_rate)[0] for chunk in chunks])
    voiced = voiced[voiced > 0]
    mean = float(np.log(voiced).mean()) if len(voiced) else 0.0
    loudest = max(_frame_energy(chunk, sample_rate).max() for chunk in chunks)
    edited = np.concatenate([_edit(chunk, sample_rate, style, mean, loudest) for chunk in chunks])
    # Level is set on the result, so that a change of tilt or voicing is no change of level. Each part of the speech
    # lasts 1 / rate as long; silences hold no energy.
    before, after = np.square(wave).sum() / style.rate, np.square(edited).sum()
    gain = 10 ** (style.energy_db / 20) * (np.sqrt(before / after) if after > 0 else 0.0)
    return soft_clip(edited * gain).astype(np.float32)


def _chunks(wave: np.ndarray, sample_rate: int) -> list[np.ndarray]:
    """The wave in pieces of at most `_CHUNK` seconds, cut where its last quarter is quietest."""
    longest, hop = int(_CHUNK * sample_rate), int(0.02 * sample_rate)
    pieces = []
    while len(wave) > longest:
        start = longest * 3 // 4
        frames = wave[start:longest]
        frames = frames[: len(frames) // hop * hop].reshape(-1, hop)
        cut = start + int(np.square(frames).sum(axis=1).argmin()) * hop + hop // 2
        pieces.append(wave[:cut])
        wave = wave[cut:]
    return [*pieces, wave]


def _f0(wave: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """F0 (T,) in Hz, 0 where unvoiced, and the time (T,) of each frame in seconds."""
    coarse, times = pyworld.dio(wave, sample_rate, frame_period=_FRAME)
    return pyworld.stonemask(wave, coarse, times, sample_rate), times


def _frame_energy(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean square (T,) of the 5 ms from each frame on; T = 1 + floor(N / 5 ms) as in WORLD."""
    frames = int(1000.0 * len(wave) / sample_rate / _FRAME) + 1
    edges = np.minimum((np.arange(frames + 1) * _FRAME / 1000 * sample_rate).astype(int), len(wave))
    total = np.concatenate([[0.0], np.cumsum(np.square(wave))])
    return np.diff(total[edges]) / np.maximum(np.diff(edges), 1)


def _edit(wave: np.ndarray, sample_rate: int, style: Style, mean: float, loudest: float) -> np.ndarray:
    f0, times = _f0(wave, sample_rate)
    envelope = pyworld.cheaptrick(wave, f0, times, sample_rate)  # (T, D) power
    aperiodicity = pyworld.d4c(wave, f0, times, sample_rate)  # (T, D) amplitude ratio
    voiced = f0 > 0
    lf0 = mean + style.pitch_range * (np.log(f0[voiced]) - mean) + style.pitch_shift * np.log(2) / 12
    f0[voiced] = np.clip(np.exp(lf0), *_F0_LIMITS)
    frequencies = np.linspace(0, sample_rate / 2, envelope.shape[1])
    octaves = np.log2(np.maximum(frequencies, 50.0) / TILT_PIVOT)
    envelope = envelope * 10 ** (style.spectral_tilt * octaves / 10)
    aperiodicity = aperiodicity + style.breathiness * (1 - aperiodicity)
    if style.whisper:
        f0, aperiodicity = np.zeros_like(f0), np.ones_like(aperiodicity)
    durations = np.where(_silent(_frame_energy(wave, sample_rate), loudest), style.pauses, 1.0) / style.rate
    source = _time_map(durations)
    edited = pyworld.synthesize(f0[source], envelope[source], aperiodicity[source], sample_rate, _FRAME)
    length = round(len(wave) * durations.mean())
    return np.pad(edited, (0, max(0, length - len(edited))))[:length]


def _silent(energy: np.ndarray, loudest: float) -> np.ndarray:
    """Which of T frames lie in a pause: (T,) bool."""
    quiet = energy <= loudest * 10 ** (_SILENCE_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]])))
    silent = np.zeros(len(energy), bool)
    for start, end in edges.reshape(-1, 2):
        silent[start:end] = (end - start) * _FRAME / 1000 >= _SHORTEST_PAUSE
    return silent


def _time_map(durations: np.ndarray) -> np.ndarray:
    """For each frame of the result the frame that it repeats, (T',) int, given how often each one does, (T,)."""
    ends = np.cumsum(durations)
    return np.minimum(np.searchsorted(ends, np.arange(int(ends[-1]) + 1) + 0.5), len(durations) - 1)


def soft_clip(wave: np.ndarray, knee: float = 0.7) -> np.ndarray:
    """The wave bent below ±1 above the knee: a gain must not clip, and scaling all of the wave would undo the gain."""
    size = np.abs(wave)
    return np.where(size <= knee, wave, np.sign(wave) * (knee + (1 - knee) * np.tanh((size - knee) / (1 - knee))))

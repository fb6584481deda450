"""How a conversion is to sound: its options, checked, and what they do inside the converter.

A style acts in two places. What the content codes carry (rate, pauses, breath) is an edit of the source speech. What
they do not (pitch, level, spectral tilt, the noise of a whisper) acts here, on what goes into the decoder and on the
mel that comes out of it, so that the decoder cannot undo it.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from idfacevc.audio.loudness import TEXT_LUFS
from idfacevc.audio.mel import band_edges, cepstral_lifter
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError
from idfacevc.pipeline.source import Source
from idfacevc.text.style import TILT_PIVOT, Style
from idfacevc.text.style import style as named_style

_WHISPER_LOSS = 6.0  # dB that a spectrum loses with its harmonics and the agreement of its phases
_ENVELOPE = 20  # cepstral coefficients of 80 bands: formants, without the harmonics that the lowest bands resolve


class DeliveryOptions(TypedDict, total=False):
    """The fields of `ConversionOptions` as keyword arguments, for type checkers."""

    style: str | Style
    style_strength: float
    speed: float
    pitch_range: float
    seed: int
    language: str
    styles: str | os.PathLike[str] | None
    base_speaker: str | os.PathLike[str]
    speaker: int
    loudness: float | str | None


@dataclass(frozen=True)
class ConversionOptions:
    """How to say it; the arguments of `IDFaceVC.convert`, checked."""

    style: str | Style = "neutral"
    style_strength: float = 1.0
    speed: float = 1.0
    pitch_range: float = 1.0
    seed: int = 0
    language: str = "en"
    styles: str | os.PathLike[str] | None = None
    base_speaker: str | os.PathLike[str] = "auto"
    speaker: int = 0
    loudness: float | str | None = "source"

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2.0:
            raise InputError(f"speed {self.speed:g} is out of range; it goes from 0.5 to 2")
        if not 0.0 <= self.pitch_range <= 4.0:
            raise InputError(f"pitch range {self.pitch_range:g} is out of range; it goes from 0 to 4")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise InputError(f"seed {self.seed} is out of range; it is a whole number from 0 to {2**32 - 1}")
        if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", self.language):
            raise InputError(f"language {self.language!r} is no code such as 'en' or 'pt-br'")
        if not 0 <= self.speaker < 2**31:
            raise InputError(f"speaker {self.speaker} is out of range")
        if isinstance(self.loudness, str) and self.loudness != "source":
            raise InputError(f"loudness {self.loudness!r} is neither a number in LUFS nor 'source'")
        if isinstance(self.loudness, (int, float)) and not -70 <= self.loudness <= -5:
            raise InputError(f"loudness {self.loudness:g} LUFS is out of range; it goes from -70 to -5")
        self.chosen_style  # noqa: B018  an unknown name or a strength out of range is an error at once

    @cached_property
    def chosen_style(self) -> Style:
        """The style at its strength."""
        if isinstance(self.style, str):
            return named_style(self.style, self.style_strength, self.styles)
        return self.style.scaled(self.style_strength)

    @property
    def changes_duration(self) -> bool:
        """Whether a recording's conversion lasts longer or shorter than the recording."""
        return self.speed != 1 or self.chosen_style.rate != 1 or self.chosen_style.pauses != 1

    def target_loudness(self, source: float | None) -> float | None:
        """Loudness of the output in LUFS, None to leave it as it comes.

        Args:
            source: loudness of the recording in LUFS; None for a text. A style is as much louder as it says.
        """
        if self.loudness != "source":
            return None if self.loudness is None else float(self.loudness)
        return (TEXT_LUFS if source is None else source) + self.chosen_style.energy_db

    def pitch(self, source: Source, register: Tensor | None = None) -> Tensor:
        """The normalised log-F0 (T,) that the decoder is given.

        Args:
            source: whose contour it is.
            register: mean and deviation of log-F0 (2,) of the voice, where the network tells; the deviation is what a
                unit of the contour will stand for. Else the source's own has to do.
        """
        style = self.chosen_style
        if style.whisper:
            return torch.zeros_like(source.lf0)
        unit = source.lf0_std if register is None else float(register[1])
        shift = style.pitch_shift * math.log(2) / 12 / unit if unit > 0 else 0.0
        return torch.where(source.lf0 != 0, source.lf0 * (self.pitch_range * style.pitch_range) + shift, 0.0)

    def colour(self, mel: Tensor, spec: FrontEndSpec) -> Tensor:
        """A decoded log-mel (M, T) at the level and with the tilt of the style; of a whisper, its envelope alone.

        The tilt leaves the power of each frame as it is, so that it works on pieces of any length.
        """
        style = self.chosen_style
        decade = 1.0 if spec.log == "log10" else math.log(10)  # a factor of 10 in amplitude, 20 dB
        if style.whisper:
            mel = cepstral_lifter(mel[None], _ENVELOPE)[0] + decade * _WHISPER_LOSS / 20
        if style.spectral_tilt:
            octaves = torch.from_numpy(np.log2(band_edges(spec)[1:-1, None] / TILT_PIVOT)).to(mel)
            tilted = mel + decade * style.spectral_tilt / 20 * octaves
            to_power = 2 * math.log(10) / decade  # natural logarithm of the power
            mel = tilted + ((mel * to_power).logsumexp(dim=0) - (tilted * to_power).logsumexp(dim=0)) / to_power
        return mel + decade * style.energy_db / 20


def arguments(options: ConversionOptions) -> DeliveryOptions:
    """Options as keyword arguments of `IDFaceVC.convert`."""
    return {one.name: getattr(options, one.name) for one in fields(options)}  # type: ignore[return-value]

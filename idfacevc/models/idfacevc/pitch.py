"""What the decoder is told of pitch (`config.PitchSpec`)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from idfacevc.config.pitch import NormalisedPitchSpec, PitchSpec, RegisterPitchSpec
from idfacevc.losses.register import SPEAKER_SPREAD

_TYPICAL_MEAN = math.log(160.0)  # of speakers' mean log-F0, in ln Hz
_TYPICAL_STD = 0.2  # of log-F0 within an utterance, in ln Hz


class _WithoutRegister(nn.Module):
    """Pitch whose register the decoder makes itself."""

    def register_of(self, voice: Tensor) -> Tensor | None:
        """None, for any voice."""
        return None


class NormalisedPitch(_WithoutRegister):
    """The contour as it comes, and a voicing flag where `channels` is 2."""

    def __init__(self, spec: NormalisedPitchSpec) -> None:
        super().__init__()
        self.channels = spec.channels

    def forward(self, lf0: Tensor, register: Tensor | None) -> Tensor:
        """Normalised log-F0 (B, T) -> (B, T, channels)."""
        if self.channels == 1:
            return lf0[..., None]
        return torch.stack([lf0, (lf0 != 0).to(lf0.dtype)], dim=-1)


class NoPitch(_WithoutRegister):
    """Nothing: the decoder finds the contour in the content, as AutoVC's does."""

    def forward(self, lf0: Tensor, register: Tensor | None) -> Tensor:
        """Normalised log-F0 (B, T) -> (B, T, 0)."""
        return lf0[..., None][..., :0]


class RegisterPitch(nn.Module):
    """The contour in the register of a voice, as soft bins of log-frequency and a voicing flag."""

    centres: Tensor

    def __init__(self, spec: RegisterPitchSpec, voice_dim: int, hidden: int = 128) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Linear(voice_dim, hidden), nn.GELU(), nn.Linear(hidden, 2))
        centres = torch.linspace(math.log(spec.low), math.log(spec.high), spec.bins, device="cpu")
        self.register_buffer("centres", centres, persistent=False)
        self.width = float(centres[1] - centres[0])

    def register_of(self, voice: Tensor) -> Tensor:
        """Mean and deviation of log-F0 in ln Hz, (B, 2), of voices (B, D)."""
        raw = self.head(voice.float())
        return torch.stack(
            [_TYPICAL_MEAN + SPEAKER_SPREAD * raw[:, 0], _TYPICAL_STD * torch.exp(0.5 * raw[:, 1])], dim=1
        )

    def forward(self, lf0: Tensor, register: Tensor) -> Tensor:
        """Normalised log-F0 (B, T) in a register (B, 2) -> (B, T, bins + 1); unvoiced frames are zeros."""
        voiced = (lf0 != 0).float()[..., None]
        absolute = (register[:, :1] + register[:, 1:] * lf0)[..., None]
        absolute = absolute.clamp(self.centres[0], self.centres[-1])
        bins = torch.exp(-0.5 * ((absolute - self.centres) / self.width) ** 2)
        return torch.cat([bins * voiced, voiced], dim=-1)


def pitch_features(spec: PitchSpec, voice_dim: int) -> NormalisedPitch | RegisterPitch | NoPitch:
    """The module that `spec.kind` names."""
    if spec.kind == "register":
        return RegisterPitch(spec, voice_dim)
    return NormalisedPitch(spec) if spec.kind == "normalised" else NoPitch()

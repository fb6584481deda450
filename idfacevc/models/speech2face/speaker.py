"""A voice encoder over a fixed speaker encoder, for corpora of hundreds of voices: too few to learn hearing from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.mel import LogMel
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.models.speech2face.front_end import six_seconds

DIM = 256  # of a speaker's vector
BANDS = 40
_MEL = FrontEndSpec(n_fft=400, hop_length=160, win_length=400, fmin=0.0, fmax=8000.0, n_mels=BANDS)
_WINDOW, _STEP = 160, 77  # frames of a window, and between their starts
_LEVEL = 10 ** (-30 / 20)  # root mean square up to which quiet speech is raised


@dataclass(frozen=True)
class SpeakerVoiceSpec:
    """Sizes.

    Attributes:
        outputs: Length of the face features.
        hidden: Units between the speaker's vector and them.
        dropout: Of the hidden units, in training.
    """

    outputs: int = 256
    hidden: int = 256
    dropout: float = 0.3
    kind: Literal["speaker"] = "speaker"


class SpeakerVoiceEncoder(nn.Module):
    """Face features of speech, by way of a speaker's vector. Shape: (B, W, 160, 40) -> (B, outputs).

    The speaker encoder is Resemblyzer's network (GE2E, Wan et al. 2018): three LSTM layers, and a rectified linear one
    on the last state of each window. It is fixed; the two layers behind it are what is trained.
    """

    def __init__(self, spec: SpeakerVoiceSpec = SpeakerVoiceSpec()) -> None:
        super().__init__()
        self.spec = spec
        self.mel = LogMel(_MEL)
        self.lstm = nn.LSTM(BANDS, DIM, 3, batch_first=True).requires_grad_(False)
        self.linear = nn.Linear(DIM, DIM).requires_grad_(False)
        self.head = nn.Sequential(
            nn.BatchNorm1d(DIM),
            nn.Linear(DIM, spec.hidden),
            nn.ReLU(),
            nn.Dropout(spec.dropout),
            nn.Linear(spec.hidden, spec.outputs),
        )

    def input_of(self, wav: Tensor) -> Tensor:
        """`windows` of six seconds of waves (B, N) at 16 kHz; cut, or repeated."""
        return self.windows(six_seconds(wav))

    def windows(self, wav: Tensor) -> Tensor:
        """Power-mel windows (B, W, 160, 40) of waves (B, N) at 16 kHz of 1.6 s or more; quiet ones are raised."""
        level = wav.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-6)
        wav = wav * (_LEVEL / level).clamp(min=1.0)
        power = self.mel.filters @ self.mel.magnitude(wav).square()
        return power.unfold(2, _WINDOW, _STEP).permute(0, 2, 3, 1)

    def heard(self, windows: Tensor) -> Tensor:
        """Unit vectors (B, W, 256) of the speaker of each window."""
        state = self.lstm(windows.flatten(0, 1))[1][0][-1]
        return F.normalize(F.relu(self.linear(state)), dim=1).view(*windows.shape[:2], DIM)

    @staticmethod
    def speaker(heard: Tensor) -> Tensor:
        """Unit vectors (..., 256) of speakers, of windows' vectors (..., W, 256)."""
        return F.normalize(heard.mean(dim=-2), dim=-1)

    def forward(self, windows: Tensor) -> Tensor:
        return self.head(self.speaker(self.heard(windows)))

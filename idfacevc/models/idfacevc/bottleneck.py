"""AutoVC's content encoder, which FaceVC and SP-FaceVC use: what is too narrow for a speaker leaves the speech."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.content import BottleneckSpec
from idfacevc.models.idfacevc.content import Quantized, lifted


class BottleneckEncoder(nn.Module):
    """Convolutions and a BiLSTM of few outputs, of which one frame in `every` is kept.

    The input is not joined with the source speaker's vector, as SP-FaceVC leaves it (FaceVC joins them).

    Shape: normalised mel (B, M, T) -> z (B, floor(T / 2), D), each code repeated over the frames that it stands for.
    """

    reach = None  # a code depends on the whole recording

    def __init__(self, spec: BottleneckSpec, n_mels: int) -> None:
        super().__init__()
        self.spec = spec
        layers: list[nn.Module] = []
        for channels in (n_mels, spec.hidden, spec.hidden):
            layers += [nn.Conv1d(channels, spec.hidden, 5, padding=2), nn.BatchNorm1d(spec.hidden), nn.ReLU()]
        self.convs = nn.Sequential(*layers)
        self.lstm = nn.LSTM(spec.hidden, spec.dim // 2, 2, batch_first=True, bidirectional=True)

    def encode(self, mel: Tensor) -> Tensor:
        """Codes (B, ceil(T / every), D): the forward state at a stretch's end beside the backward one at its start."""
        mel = lifted(mel, self.spec.lifter)
        mel = F.pad(mel, (0, -mel.shape[-1] % self.spec.every))
        hidden, _ = self.lstm(self.convs(mel).transpose(1, 2))
        forward, backward = hidden.chunk(2, dim=-1)
        return torch.cat([forward[:, self.spec.every - 1 :: self.spec.every], backward[:, :: self.spec.every]], dim=-1)

    def forward(self, mel: Tensor) -> Quantized:
        z = self.encode(mel).repeat_interleave(self.spec.every // 2, dim=1)[:, : mel.shape[-1] // 2]
        return Quantized(z, z.new_zeros(()), z.new_zeros(()), z)

    def lookup(self, codes: Tensor) -> Tensor:
        """The codes (..., L, D) themselves."""
        return codes

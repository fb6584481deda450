"""Content from Whisper's encoder: what a recogniser hears, through a narrow layer (a departure from the paper's VQ)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.level import at_speech_level
from idfacevc.backbones.whisper import WhisperEncoder
from idfacevc.config.content import WhisperContentSpec
from idfacevc.models.idfacevc.content import Quantized


class WhisperContent(nn.Module):
    """Frozen features of the wave, brought to few numbers of unit variance, with noise in training.

    The narrow layer and the noise bound what can pass; they take the place of the paper's codebook.

    Shape: features (B, L, 384) of `features` -> z (B, L, D) at half the mel's frame rate.
    """

    reach = None  # the features depend on the whole recording

    def __init__(self, spec: WhisperContentSpec, n_mels: int) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = WhisperEncoder(spec.whisper).requires_grad_(False)
        self.norm = nn.LayerNorm(spec.whisper.dim)
        self.bottleneck = nn.Linear(spec.whisper.dim, spec.dim)

    def features(self, wav: np.ndarray) -> Tensor:
        """Features (L, 384) of a recording (N,) at 16 kHz, L = ceil((1 + floor(N / 160)) / 2)."""
        return self.encoder.features(at_speech_level(wav))

    def forward(self, features: Tensor) -> Quantized:
        z = F.layer_norm(self.bottleneck(self.norm(features)), (self.spec.dim,))
        if self.training:
            z = z + self.spec.noise * torch.randn_like(z)
        return Quantized(z, z.new_zeros(()), z.new_zeros(()), z)

    def lookup(self, codes: Tensor) -> Tensor:
        """The codes (..., L, D) themselves."""
        return codes

"""Projections of frozen face and voice features into the association space (Vclip, section 4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.errors import InputError

SCALE_START, SCALE_MAX = 1 / 0.07, 100.0


@dataclass(frozen=True)
class AssociationSpec:
    """Sizes of the two heads.

    Attributes:
        face_dim, voice_dim: Length of the features.
        dim: Length of the common space; a flow keeps the voice's length.
        hidden, dropout: Of an MLP head, as in Wav2CLIP.
        voice_head: "realnvp" is the paper's.
        couplings, width: Layers of the flow and units of their networks.
    """

    face_dim: int = 512
    voice_dim: int = 512
    dim: int = 512
    hidden: int = 512
    dropout: float = 0.1
    voice_head: Literal["realnvp", "mlp"] = "realnvp"
    couplings: int = 4
    width: int = 512

    def __post_init__(self) -> None:
        if self.voice_head == "realnvp" and (self.dim != self.voice_dim or self.dim % 2):
            raise InputError("a flow keeps the dimension: dim must be voice_dim, and even")


def mlp_head(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    """Two hidden layers; Shape: (B, inputs) -> (B, outputs)."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, outputs),
    )


class Coupling(nn.Module):
    """Affine coupling layer (Dinh et al. 2017): one half is scaled and moved by what the other half says."""

    def __init__(self, dim: int, width: int, swap: bool) -> None:
        super().__init__()
        self.swap = swap
        self.net = mlp_head(dim // 2, width, dim, 0.0)
        nn.init.zeros_(self.net[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.net[-1].bias)  # type: ignore[arg-type]
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """y (B, D) and log|det J| (B,) of u (B, D)."""
        kept, moved = self._halves(u)
        log_scale, shift = self._terms(kept)
        return self._joined(kept, moved * log_scale.exp() + shift), log_scale.sum(dim=1)

    def inverse(self, y: Tensor) -> Tensor:
        """u (B, D) of y (B, D)."""
        kept, moved = self._halves(y)
        log_scale, shift = self._terms(kept)
        return self._joined(kept, (moved - shift) * (-log_scale).exp())

    def _terms(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.net(kept).chunk(2, dim=1)
        return torch.tanh(raw) * self.gain, shift

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.chunk(2, dim=1)
        return (second, first) if self.swap else (first, second)

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, kept] if self.swap else [kept, moved], dim=1)


class RealNVP(nn.Module):
    """Invertible projection; starts as the identity. Shape: (B, D) -> (B, D)."""

    def __init__(self, dim: int, couplings: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Coupling(dim, width, bool(index % 2)) for index in range(couplings))

    def forward(self, u: Tensor) -> Tensor:
        return self.with_log_det(u)[0]

    def with_log_det(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """y (B, D) and log|det J| (B,)."""
        total = u.new_zeros(len(u))
        for layer in self.layers:
            u, log_det = layer(u)
            total = total + log_det
        return u, total

    def inverse(self, y: Tensor) -> Tensor:
        """The input (B, D) whose projection is y (B, D)."""
        for layer in reversed(self.layers):
            y = layer.inverse(y)  # type: ignore[operator]
        return y


class Association(nn.Module):
    """Both heads, with the statistics that standardise their features and the learnt scale of the cosines."""

    face_mean: Tensor
    face_std: Tensor
    voice_mean: Tensor
    voice_std: Tensor

    def __init__(self, spec: AssociationSpec) -> None:
        super().__init__()
        self.spec = spec
        for name, size in (("face", spec.face_dim), ("voice", spec.voice_dim)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))
        self.face_head = mlp_head(spec.face_dim, spec.hidden, spec.dim, spec.dropout)
        self.voice_head: nn.Module
        if spec.voice_head == "realnvp":
            self.voice_head = RealNVP(spec.voice_dim, spec.couplings, spec.width)
        else:
            self.voice_head = mlp_head(spec.voice_dim, spec.hidden, spec.dim, spec.dropout)
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE_START)))

    @property
    def scale(self) -> Tensor:
        """Factor of the cosines in the loss."""
        return self.log_scale.exp().clamp(max=SCALE_MAX)

    @torch.no_grad()
    def set_statistics(self, face: Tensor, voice: Tensor) -> None:
        """Standardise by the training features, (n, face_dim) and (n, voice_dim)."""
        for name, values in (("face", face), ("voice", voice)):
            getattr(self, f"{name}_mean").copy_(values.mean(dim=0))
            getattr(self, f"{name}_std").copy_(values.std(dim=0).clamp(min=1e-4))

    def of_faces(self, face: Tensor) -> Tensor:
        """Unit vectors (B, dim) of face features (B, face_dim)."""
        return F.normalize(self.face_head((face - self.face_mean) / self.face_std), dim=1)

    def of_voices(self, voice: Tensor) -> Tensor:
        """Unit vectors (B, dim) of voice features (B, voice_dim)."""
        return F.normalize(self.voice_head((voice - self.voice_mean) / self.voice_std), dim=1)

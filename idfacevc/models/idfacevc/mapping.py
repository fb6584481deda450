"""What makes a voice of a face vector (`config.MemorySpec`)."""

from __future__ import annotations

from torch import Tensor, nn

from idfacevc.config.memory import MemorySpec
from idfacevc.models.idfacevc.memory import FaceVoiceMemory


class Warp(nn.Module):
    """A layer from the face vector to the voice, without a memory: linear (FaceVC), or none at all.

    Shape: e_f (B, D) -> voice (B, D).
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def voice_of_face(self, e_f: Tensor) -> tuple[Tensor, None]:
        """The voice, and None for the address that there is not."""
        return self.layer(e_f), None

    def voice(self, e_f: Tensor) -> Tensor:
        """The voice at inference, which is no other."""
        return self.layer(e_f)


def mapping(spec: MemorySpec) -> FaceVoiceMemory | Warp:
    """The mapping that `spec.kind` names."""
    if spec.kind == "fv_memory":
        return FaceVoiceMemory(spec)
    return Warp(nn.Linear(spec.dim, spec.dim) if spec.kind == "linear_warp" else nn.Identity())

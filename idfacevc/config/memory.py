"""From an identity vector to the voice that the decoder reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FaceVoiceMemorySpec:
    """The face-voice memory of the paper and of FVMVC.

    Attributes:
        slots, dim: Number and width of the voices; `dim` is that of the face head.
        init_std: Deviation of the initial keys and values.
        scale: Factor of the cosine before the softmax (OPEN 16).
        sharpness: Further factor for faces at inference. A face leaves open which of several voices it gets; their
            mixture would be an average voice, and a sharper address settles for few of them.
        unit: Whether a recalled voice is brought to unit length at inference, for decoders that were trained on unit
            vectors of speech.
    """

    kind: Literal["fv_memory"] = "fv_memory"
    slots: int = 96
    dim: int = 256
    init_std: float = 0.5
    scale: float = 1.0
    sharpness: float = 1.0
    unit: bool = False


@dataclass(frozen=True)
class LinearWarpSpec:
    """One linear layer from the face vector to the voice (FaceVC)."""

    kind: Literal["linear_warp"] = "linear_warp"
    dim: int = 256


@dataclass(frozen=True)
class DirectSpec:
    """The face vector is the voice (SP-FaceVC, Face2Speech)."""

    kind: Literal["direct"] = "direct"
    dim: int = 256


MemorySpec = FaceVoiceMemorySpec | LinearWarpSpec | DirectSpec

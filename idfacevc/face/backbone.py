"""The slot of the frozen face backbone: crops in, tokens out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from idfacevc.config import FaceSpec
from idfacevc.errors import InputError
from idfacevc.face.tower import FaceTower


class FaceBackbone(Protocol):
    """Frozen: no gradient leaves it, and nothing of it is trained."""

    def tokens(self, images: Sequence[Image.Image]) -> Tensor:
        """Tokens (B, P, D), float32, of RGB crops of any size."""
        ...


def build_backbone(spec: FaceSpec, tower: FaceTower | None, device: torch.device | str = "cpu") -> FaceBackbone:
    """The backbone that a configuration names; `tower` comes from the bundle, the others' weights from this machine."""
    if spec.backbone == "tower":
        if tower is None:
            raise InputError("the face backbone 'tower' needs the bundle's face.safetensors")
        return TowerBackbone(tower, device)
    if spec.backbone == "clip":
        from idfacevc.face.clip import ClipBackbone

        return ClipBackbone(spec, device)
    from idfacevc.face.facenet import FaceNetBackbone

    return FaceNetBackbone(spec, device)


class TowerBackbone:
    """The bundle's own `FaceTower`."""

    def __init__(self, tower: FaceTower, device: torch.device | str = "cpu") -> None:
        self.tower = tower.to(device).eval()

    @torch.no_grad()
    def tokens(self, images: Sequence[Image.Image]) -> Tensor:
        size = self.tower.image_size
        device = next(self.tower.parameters()).device
        return self.tower(torch.cat([pixels(image, size, Image.Resampling.BILINEAR) for image in images]).to(device))


def pixels(image: Image.Image, size: int, resample: Image.Resampling) -> Tensor:
    """An RGB image as (1, 3, size, size) in [0, 1], resized by Pillow, whose filters do not alias."""
    resized = image.resize((size, size), resample)
    return torch.from_numpy(np.asarray(resized, np.float32) / 255).permute(2, 0, 1)[None]

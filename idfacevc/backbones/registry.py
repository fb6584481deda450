"""The face backbone that a configuration names."""

from __future__ import annotations

import torch

from idfacevc.backbones.base import FaceBackbone
from idfacevc.backbones.tower import FaceTower, TowerBackbone
from idfacevc.config.model import FaceSpec
from idfacevc.errors import InputError


def build_backbone(spec: FaceSpec, tower: FaceTower | None, device: torch.device | str = "cpu") -> FaceBackbone:
    """The backbone that a configuration names; `tower` comes from the bundle, the others' weights from this machine."""
    if spec.backbone == "tower":
        if tower is None:
            raise InputError("the face backbone 'tower' needs the bundle's face.safetensors")
        return TowerBackbone(tower, device)
    if spec.backbone == "clip":
        from idfacevc.backbones.clip import ClipBackbone

        return ClipBackbone(spec, device)
    from idfacevc.backbones.facenet import FaceNetBackbone

    return FaceNetBackbone(spec, device)

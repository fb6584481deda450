"""The frozen networks that a configuration names."""

from __future__ import annotations

import torch

from idfacevc.backbones.base import FaceBackbone, SpeechBackbone
from idfacevc.backbones.tower import FaceTower, TowerBackbone
from idfacevc.config.face import FaceSpec
from idfacevc.config.speech import SpeechSpec
from idfacevc.errors import InputError


def face_backbone(spec: FaceSpec, tower: FaceTower | None, device: torch.device | str = "cpu") -> FaceBackbone:
    """The face backbone of a configuration; `tower` comes from the bundle, other weights from this machine."""
    if spec.backbone.kind == "tower":
        if tower is None:
            raise InputError("the face backbone 'tower' needs the bundle's face.safetensors")
        return TowerBackbone(tower, device)
    if spec.backbone.kind == "clip":
        from idfacevc.backbones.clip import ClipBackbone

        return ClipBackbone(spec.backbone, spec.token_dim, device)
    from idfacevc.backbones.facenet import FaceNetBackbone

    return FaceNetBackbone(spec.backbone, device)


def speech_backbone(spec: SpeechSpec, device: torch.device | str = "cpu") -> SpeechBackbone:
    """The speech backbone that a configuration names; its weights come from this machine."""
    if spec.kind == "clap_safpq":
        from idfacevc.backbones.clap import ClapBackbone

        return ClapBackbone(spec, device)
    from idfacevc.backbones.resemblyzer import ResemblyzerBackbone

    return ResemblyzerBackbone(device)

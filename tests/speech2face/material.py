"""A small bundle of Speech2Face with random weights over the tiny bundle's tower, on the real path."""

from __future__ import annotations

from pathlib import Path

import torch

from idfacevc.bundles.model import load_face_tower, read_spec
from idfacevc.bundles.speech2face import Speech2FaceBundle, Speech2FaceSpec, save_speech2face
from idfacevc.bundles.vclip import fingerprint
from idfacevc.models.speech2face.decoder import FaceDecoder, FaceDecoderSpec
from idfacevc.models.speech2face.encoder import VoiceEncoder, VoiceSpec

POINTS = torch.tensor([[0.32, 0.3], [0.68, 0.3], [0.5, 0.52], [0.34, 0.7], [0.66, 0.7]])


def write_small_speech2face(folder: Path, face_side: Path) -> Path:
    torch.manual_seed(0)
    tower = load_face_tower(read_spec(face_side), face_side)
    assert tower is not None
    voice = VoiceSpec(tower.dim, 16, 32, front_end="logmel", pooled=True)
    decoder = FaceDecoder(FaceDecoderSpec(tower.dim, 16, 5, (8,), (8, 4), 16)).eval()
    decoder.mean_points.copy_(POINTS)
    spec = Speech2FaceSpec("small", fingerprint(tower), voice, decoder.spec)
    save_speech2face(folder, Speech2FaceBundle(spec, VoiceEncoder(voice).eval(), decoder))
    return folder

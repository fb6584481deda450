"""A small bundle of Vclip with random heads over the tiny bundle's tower, on the real path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from idfacevc.bundles.model import load_face_tower, read_spec
from idfacevc.bundles.tensors import fingerprint
from idfacevc.bundles.vclip import VclipBundle, VclipSpec, save_vclip
from idfacevc.models.vclip.face_features import face_dim
from idfacevc.models.vclip.heads import Association, AssociationSpec
from idfacevc.models.vclip.prior import Mixture
from idfacevc.models.vclip.signature import Signature
from idfacevc.text.speakers.spaces.kokoro import KokoroSpace

CANDIDATES = 40


def small_vclip(face_side: Path, seed: int = 0) -> VclipBundle:
    """Forty candidates of a real prior over Kokoro's styles; heads and feedback of random weights."""
    torch.manual_seed(seed)
    tower = load_face_tower(read_spec(face_side), face_side)
    assert tower is not None
    bank = KokoroSpace().bank()
    prior = Mixture.fit(bank.vectors, components=1, variance=0.8)
    sizes = AssociationSpec(face_dim(tower), 256, 8, 16, 0.0, "mlp")
    spec = VclipSpec("small", fingerprint(tower), bank.names, sizes, signature_hidden=8)
    association, signature = Association(spec.association).eval(), Signature(256, 256, 8).eval()
    coordinates = ((prior.sample(CANDIDATES, seed) - prior.mean) @ prior.basis).astype(np.float16).astype(np.float32)
    bundle = VclipBundle(spec, association, signature, prior, coordinates, np.zeros(0), np.zeros(0))
    heard = bundle.sound(bank.vectors)
    association.set_statistics(torch.randn(50, sizes.face_dim), torch.from_numpy(heard))
    index = bundle.placed(bundle.sound(bundle.vectors()))
    return VclipBundle(spec, association, signature, prior, coordinates, index, heard)


def write_small_vclip(folder: Path, face_side: Path) -> Path:
    save_vclip(folder, small_vclip(face_side))
    return folder

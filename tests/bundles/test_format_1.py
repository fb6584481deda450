"""Configurations of bundle format 1, whose parts held the options of all kinds, are read as they were meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idfacevc.bundles.format_1 import model_of_format_1, up_to_date
from idfacevc.config.content import BottleneckSpec, LifterSpec
from idfacevc.config.face import ClipSpec, FaceNetSpec, FaceSpec, TowerSpec
from idfacevc.config.face_head import SafpqSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.config.speech import ClapSafpqSpec
from idfacevc.errors import InputError

DEMO = Path(__file__).parents[2] / "checkpoints/demo/config.json"
FACE = {
    "backbone": "clip", "name": "here", "revision": None, "layer": -3, "drop_cls": True, "token_dim": 32, "crop": "box",
    "margin": 0.3, "max_frames": 8, "framings": False, "frames": "mean", "tower": None,
}  # fmt: skip


def read(values: dict[str, Any]) -> ModelSpec:
    return from_dict(ModelSpec, model_of_format_1({"face": FACE, **values}), "model")


def test_the_face_backbone_has_its_own_options() -> None:
    clip = FaceSpec(ClipSpec(name="here", revision=None, layer=-3, drop_cls=True), 32, margin=0.3, max_frames=8)
    assert read({}).face == clip
    facenet = read({"face": {**FACE, "backbone": "facenet"}}).face
    assert facenet.backbone == FaceNetSpec(name="here")
    sizes = {"channels": [8, 16], "blocks": [1, 1], "image_size": 24}
    tower = read({"face": {**FACE, "backbone": "tower", "tower": sizes}}).face
    assert tower.backbone == TowerSpec(channels=(8, 16), blocks=(1, 1), image_size=24)


def test_options_of_other_kinds_go_and_the_own_ones_stay() -> None:
    content = {"kind": "autovc_bottleneck", "transform": "dct_lowpass", "cutoff": 20, "basis": "dct3", "hidden": 16,
               "dim": 8, "every": 16, "codes": 512, "context": 256, "cpc_steps": 6, "negatives": 10}  # fmt: skip
    lifter = LifterSpec(cutoff=20, basis="dct3")
    assert read({"content": content}).content == BottleneckSpec(lifter=lifter, hidden=16, dim=8, every=16)
    head = {"kind": "safpq", "heads": 2, "ffn_dim": 48, "dropout": 0.2, "latent": 320, "equation_exact": True}
    spec = read({"face_head": head, "speech": {"kind": "clap_safpq", "name": "there"}})
    assert spec.face_head == SafpqSpec(heads=2, ffn_dim=48, dropout=0.2, paper_equations_only=True)
    # the speech branch had the face head's sizes
    assert spec.speech == ClapSafpqSpec(name="there", heads=2, ffn_dim=48, dropout=0.2)


def test_what_was_no_option_is_still_refused() -> None:
    with pytest.raises(InputError, match=r"model\.memory: unknown key slot;"):
        read({"memory": {"kind": "fv_memory", "slot": 3}})


def test_the_demo_is_read_and_todays_format_is_left_alone() -> None:
    new = up_to_date(json.loads(DEMO.read_text()))
    assert new["format"] == 2 and up_to_date(new) is new
    spec = from_dict(ModelSpec, new["model"])
    assert (spec.content.kind, spec.decoder.kind, spec.pitch.kind) == ("whisper", "convnext", "register")
    assert model_of_format_1(to_dict(spec)) == to_dict(spec)

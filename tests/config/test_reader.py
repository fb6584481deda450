import dataclasses

import pytest

from idfacevc.config.content import VqcpcSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.memory import FaceVoiceMemorySpec, LinearWarpSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.errors import InputError
from tests.front_ends import PROFILES


def test_round_trip():
    spec = ModelSpec(front_end=PROFILES["pwg24k"], memory=FaceVoiceMemorySpec(scale=10.0))
    assert from_dict(ModelSpec, to_dict(spec)) == spec


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"memmory": {}}, "unknown key memmory"),
        ({"memory": {"slot": 1}}, r"ModelSpec\.memory: unknown key slot"),
        ({"memory": {"slots": "many"}}, r"ModelSpec\.memory\.slots: expected int"),
        ({"memory": {"slots": True}}, "expected int"),
        ({"memory": 3}, "expected a mapping"),
        ({"face": {"backbone": {"kind": "dlib"}}}, "face.backbone.kind: 'dlib' is none of 'clip', 'tower', 'facenet'"),
        ({"face": {"backbone": {"kind": "tower", "channels": 3}}}, "expected a list"),
        ({"face": {"backbone": "clip"}}, "face.backbone: expected a mapping"),
        ({"memory": {"kind": "direct", "slots": 3}}, "memory: unknown key slots; known keys: dim, kind"),
        ({"pitch": {"bins": 3}}, "pitch: unknown key bins; known keys: channels, kind"),
        ({"memory": {"dim": 128}}, "must agree"),
    ],
)
def test_faults_are_named(values, message):
    with pytest.raises(InputError, match=message):
        from_dict(ModelSpec, values)


def test_the_kind_chooses_the_class_and_its_defaults():
    spec = from_dict(ModelSpec, {"memory": {"kind": "linear_warp"}, "content": {"dim": 32}})
    assert spec.memory == LinearWarpSpec(dim=256) and spec.content == VqcpcSpec(dim=32)


def test_integers_serve_as_floats():
    assert from_dict(FrontEndSpec, {"fmin": 90}).fmin == 90.0


def test_the_papers_front_end():
    spec = PROFILES["vqmivc16k"]
    assert dataclasses.astuple(spec) == (16000, 400, 160, 400, 80, 80.0, 7600.0, "log10", 1e-10)
    assert spec.frames(16000) == 101 and spec.frame_period == 0.01

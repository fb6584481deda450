import dataclasses

import pytest

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.model import MemorySpec, ModelSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.errors import InputError
from tests.front_ends import PROFILES


def test_round_trip():
    spec = ModelSpec(front_end=PROFILES["pwg24k"], memory=MemorySpec(scale=10.0))
    assert from_dict(ModelSpec, to_dict(spec)) == spec


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"memmory": {}}, "unknown key memmory"),
        ({"memory": {"slot": 1}}, r"ModelSpec\.memory: unknown key slot"),
        ({"memory": {"slots": "many"}}, r"ModelSpec\.memory\.slots: expected int"),
        ({"memory": {"slots": True}}, "expected int"),
        ({"memory": 3}, "expected a mapping"),
        ({"face": {"backbone": "dlib"}}, "'dlib' is none of 'clip'"),
        ({"face": {"tower": {"channels": 3}}}, "expected a list"),
        ({"memory": {"dim": 128}}, "must agree"),
    ],
)
def test_faults_are_named(values, message):
    with pytest.raises(InputError, match=message):
        from_dict(ModelSpec, values)


def test_integers_serve_as_floats():
    assert from_dict(FrontEndSpec, {"fmin": 90}).fmin == 90.0


def test_the_papers_front_end():
    spec = PROFILES["vqmivc16k"]
    assert dataclasses.astuple(spec) == (16000, 400, 160, 400, 80, 80.0, 7600.0, "log10", 1e-10)
    assert spec.frames(16000) == 101 and spec.frame_period == 0.01

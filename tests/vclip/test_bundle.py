"""What a bundle of Vclip holds, and what is refused of one."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from idfacevc.bundles.model import available_bundles, resolve
from idfacevc.bundles.vclip import load_vclip
from idfacevc.errors import InputError
from idfacevc.vclip import Vclip
from tests.conftest import write_tiny_bundle
from tests.vclip.material import small_vclip


def test_a_bundle_survives_half_precision(small_bundle, tiny_bundle):
    ours, loaded = small_vclip(tiny_bundle), load_vclip(small_bundle)
    assert loaded.spec == ours.spec and loaded.fingerprint
    assert np.array_equal(loaded.coordinates, ours.coordinates)
    assert (loaded.index * ours.index).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert np.allclose(loaded.vectors(), ours.vectors(), atol=1e-4)
    assert (
        small_bundle.joinpath("config.json").stat().st_mode == small_bundle.joinpath("vclip.safetensors").stat().st_mode
    )


def spoiled(tensors: dict[str, torch.Tensor], how: str) -> dict[str, torch.Tensor]:
    if how == "an index of other candidates":
        return tensors | {"index": tensors["index"].flip(0).contiguous()}
    if how == "no index":
        return {name: tensor for name, tensor in tensors.items() if name != "index"}
    if how == "a shorter index":
        return tensors | {"index": tensors["index"][:-1].contiguous()}
    if how == "a number that is none":
        return tensors | {"coordinates": tensors["coordinates"] * float("nan")}
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("signature.linear")}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("an index of other candidates", "corrupt"),
        ("no index", "holds no index"),
        ("a shorter index", "index is"),
        ("a number that is none", "not finite"),
        ("no feedback", "tensors do not match"),
    ],
)
def test_a_spoiled_file_is_refused(small_bundle, tmp_path, how, message):
    folder = shutil.copytree(small_bundle, tmp_path / "spoiled")
    save_file(spoiled(load_file(folder / "vclip.safetensors"), how), folder / "vclip.safetensors")
    with pytest.raises(InputError, match=message):
        load_vclip(folder)


def test_files_that_are_no_bundle_are_refused(small_bundle, tmp_path):
    folder = shutil.copytree(small_bundle, tmp_path / "spoiled")
    (folder / "vclip.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        load_vclip(folder)
    config = json.loads((folder / "config.json").read_text())
    for key, value in (("space", "xtts"), ("format", "vclip-2"), ("colour", "red")):
        (folder / "config.json").write_text(json.dumps(config | {key: value}))
        with pytest.raises(InputError, match=key):
            load_vclip(folder)


def test_heads_refuse_a_tower_that_they_do_not_know(small_bundle, tmp_path):
    with pytest.raises(InputError, match="another face tower"):
        Vclip.from_pretrained(small_bundle, write_tiny_bundle(tmp_path / "other", seed=1))


def test_bundles_of_the_two_systems_are_told_apart(small_bundle, tiny_bundle, monkeypatch):
    for folder, kind, other in ((small_bundle, "vclip", "conversion"), (tiny_bundle, "conversion", "vclip")):
        monkeypatch.setenv("IDFACEVC_CHECKPOINTS", str(folder.parent))
        assert available_bundles(kind).get(folder.name) == folder == resolve(folder.name, kind)
        assert folder.name not in available_bundles(other)
    with pytest.raises(InputError, match="unknown checkpoint 'nothing'"):
        resolve("nothing", "vclip")

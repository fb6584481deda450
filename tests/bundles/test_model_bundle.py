"""Bundles: found by name, folder or hub id, read strictly, written whole."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from idfacevc.bundles import model as checkpoints
from idfacevc.bundles.model import available_bundles, load_bundle, resolve, save_bundle
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GriffinLimSpec
from idfacevc.errors import InputError


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


def edit(folder: Path, *keys: str, value: Any) -> None:
    """Set one value of config.json."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    inner = config
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(config))


def test_what_is_saved_is_what_is_loaded(tiny_bundle: Path, tmp_path: Path) -> None:
    first = load_bundle(tiny_bundle)
    save_bundle(tmp_path / "again", first.net, first.tower, name="tiny", vocoder=first.spec.vocoder)
    second = load_bundle(tmp_path / "again")
    assert second.spec == first.spec
    assert not second.net.training
    for key, value in first.net.state_dict().items():
        assert torch.equal(value, second.net.state_dict()[key])
    assert sorted(os.listdir(tmp_path / "again")) == ["config.json", "face.safetensors", "model.safetensors"]


def test_the_vocoder_takes_the_front_end_of_the_model(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    save_bundle(tmp_path / "other", bundle.net, bundle.tower, name="other")
    assert load_bundle(tmp_path / "other").spec.vocoder.front_end == bundle.net.spec.front_end
    with pytest.raises(InputError, match=r"floor 1e-10 and 0\.001"):
        vocoder = GriffinLimSpec(front_end=FrontEndSpec(floor=1e-3))
        save_bundle(tmp_path / "x", bundle.net, bundle.tower, name="x", vocoder=vocoder)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (("format",), 3, "format.*3 is none of 2"),
        (("class_path",), "os.system", "unknown key class_path"),
        (("model", "memory", "slot"), 3, "unknown key slot"),
        (("model", "memory", "slots"), "many", "expected int"),
        (("model", "memory", "slots"), 9, r"of another shape memory\.face_keys is \(12, 32\), not \(9, 32\)"),
        (("model", "content", "codebooks"), 3, r"missing content\.quantizers\.2"),
        (("model", "content", "codebooks"), 1, r"unknown content\.quantizers\.1"),
        (("vocoder", "kind"), "wavenet", "'wavenet' is none of"),
        (("vocoder", "front_end", "hop_length"), 200, "front ends .* differ: hop_length 160 and 200"),
        (
            ("model", "face", "backbone", "kind"),
            "dlib",
            "face.backbone.kind: 'dlib' is none of 'clip', 'tower', 'facenet'",
        ),
        (("model", "face", "backbone", "name"), "x", "backbone: unknown key name; known keys: blocks, channels"),
        (("model", "face", "backbone", "image_size"), 40, ""),
    ],
)
def test_a_configuration_that_does_not_fit(copy: Path, keys: tuple[str, ...], value: Any, words: str) -> None:
    edit(copy, *keys, value=value)
    if words:
        with pytest.raises(InputError, match=words) as caught:
            load_bundle(copy)
        assert "\n" not in str(caught.value)
    else:
        load_bundle(copy)  # the size of the input is no tensor's shape


def test_tensors_that_do_not_fit(copy: Path) -> None:
    path = copy / "model.safetensors"
    tensors = load_file(path)
    names = sorted(tensors)
    save_file({name: tensors[name] for name in names[5:]} | {"stray": torch.zeros(2)}, path)
    with pytest.raises(InputError) as caught:
        load_bundle(copy)
    assert f"missing {', '.join(names[:3])} and 2 more; unknown stray" in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("file", ["model.safetensors", "face.safetensors", "config.json"])
@pytest.mark.parametrize("fault", ["truncated", "absent", "garbage"])
def test_damaged_files(copy: Path, file: str, fault: str) -> None:
    path = copy / file
    if fault == "absent":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-100] if fault == "truncated" else b"\xff\x00garbage" * 10)
    with pytest.raises(InputError, match=file):
        load_bundle(copy)


def test_names_folders_and_unknown_ones(
    tiny_bundle: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "roots", lambda: [tmp_path, tiny_bundle.parent])
    assert available_bundles() == {"copy": copy, "tiny": tiny_bundle}
    assert resolve("tiny") == tiny_bundle
    assert resolve(tiny_bundle) == tiny_bundle
    assert resolve(str(copy)) == copy
    with pytest.raises(InputError, match="unknown checkpoint 'demmo'; here are: copy, tiny"):
        resolve("demmo")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(InputError, match=r"holds no config\.json"):
        resolve(tmp_path / "hollow")


def test_roots_begin_with_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IDFACEVC_CHECKPOINTS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    roots = checkpoints.roots()
    assert roots[0] == tmp_path
    assert roots[1] == Path(checkpoints.__file__).parents[2] / "checkpoints"
    assert tmp_path / "checkpoints" in roots


@pytest.mark.timeout(60)  # no waiting for a network
def test_a_hub_id_out_of_reach_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="nobody/nothing: is not on this machine"):
        resolve("nobody/nothing")

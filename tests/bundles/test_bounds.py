"""A configuration of any numbers is refused before it takes memory or time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from idfacevc.bundles.model import load_bundle
from idfacevc.errors import InputError


def _edited(bundle: Path, folder: Path, key: str, value: object) -> Path:
    shutil.copytree(bundle, folder)
    config = json.loads((folder / "config.json").read_text())
    place = config
    *path, last = key.split(".")
    for name in path:
        place = place[name]
    place[last] = value
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.decoder.lstm", 10**6),
        ("model.decoder.lstm", 10**12),
        ("model.decoder.lstm_layers", 10**6),
        ("model.decoder.conv", -1),
        ("model.decoder.kernel", 0),
        ("model.memory.dim", 10**6),
        ("model.memory.slots", 0),
        ("model.content.codes", 10**6),
        ("model.content.dim", float("nan")),
    ],
)
def test_sizes_that_the_weights_do_not_have(tiny_bundle: Path, tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(InputError):
        load_bundle(_edited(tiny_bundle, tmp_path / "edited", key, value))


@pytest.mark.parametrize("kind", ["int8", "nan"])
def test_weights_that_are_no_weights(tiny_bundle: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "edited"
    shutil.copytree(tiny_bundle, folder)
    tensors = load_file(folder / "model.safetensors")
    name = next(key for key, value in tensors.items() if value.is_floating_point() and value.numel() > 1)
    tensors[name] = tensors[name].to(torch.int8) if kind == "int8" else torch.full_like(tensors[name], torch.nan)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(InputError, match="int8" if kind == "int8" else "finite"):
        load_bundle(folder)


def test_a_sound_bundle_loads(tiny_bundle: Path) -> None:
    assert load_bundle(tiny_bundle).spec.name

"""A bundle of Speech2Face: written and read strictly, and the demo's in its size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from idfacevc.bundles.model import available_bundles, resolve
from idfacevc.bundles.speech2face import load_speech2face
from idfacevc.errors import InputError
from idfacevc.speech2face import SENTENCE, Speech2Face
from tests.conftest import write_tiny_bundle


def test_what_is_written_is_read(small_speech2face, speech2face, speech):
    again = load_speech2face(small_speech2face)
    first, second = (one.voice.state_dict() for one in (speech2face.bundle, again))
    assert all(torch.equal(first[key], second[key]) for key in first)
    feature = speech2face.feature((speech, 16000))
    assert feature.shape == (16,) and feature.dtype == np.float32


def test_kinds_of_bundles_are_told_apart(small_speech2face, monkeypatch):
    monkeypatch.setenv("IDFACEVC_CHECKPOINTS", str(small_speech2face.parent))
    assert available_bundles("speech2face")["small"] == small_speech2face
    assert "small" not in available_bundles() and "small" not in available_bundles("vclip")
    with pytest.raises(InputError, match=r"here are: .*small"):
        resolve("nothing", "speech2face")


def test_damage_is_one_clear_error(small_speech2face, tmp_path):
    def damaged(change) -> Path:
        folder = tmp_path / "damaged"
        shutil.copytree(small_speech2face, folder, dirs_exist_ok=True)
        change(folder)
        return folder

    def rewrite(**changes):
        def change(folder: Path) -> None:
            path = folder / "config.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

        return change

    def reshape(folder: Path) -> None:
        path = folder / "speech2face.safetensors"
        save_file({**load_file(path), "decoder.mean_points": torch.zeros(4, 2)}, path)

    def extend(folder: Path) -> None:
        path = folder / "speech2face.safetensors"
        save_file({**load_file(path), "other": torch.zeros(1)}, path)

    config = json.loads((small_speech2face / "config.json").read_text())
    for change, message in (
        (rewrite(format="speech2face-9"), "format"),
        (rewrite(extra=1), "extra"),
        (rewrite(decoder={**config["decoder"], "inputs": 5}), "the decoder reads 5"),
        (rewrite(voice={**config["voice"], "hidden": 10**9}), "out of range"),
        (reshape, "mean_points"),
        (extend, "unknown tensors: other"),
        (lambda folder: (folder / "speech2face.safetensors").write_bytes(b"x"), "damaged"),
        (lambda folder: (folder / "speech2face.safetensors").unlink(), "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            load_speech2face(damaged(change))


def test_the_tower_must_be_the_one_of_the_training(small_speech2face, tmp_path):
    other = write_tiny_bundle(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match="another face tower"):
        Speech2Face.from_pretrained(small_speech2face, other)


def test_a_face_says_what_it_is(speech2face, speech, tmp_path):
    face = speech2face.face((speech, 16000))
    face.save(tmp_path / "face.png")
    saved = Image.open(tmp_path / "face.png")
    assert saved.text["Description"] == SENTENCE
    margin = np.asarray(saved)[saved.width :]
    assert margin.min() < 100 and (margin > 200).mean() > 0.5  # letters on white
    assert np.allclose(speech2face.heard(np.tile(speech, 4)), face.feature, atol=0.5)
    with pytest.raises(InputError, match="saved as"):
        face.save(tmp_path / "face.jpg")

"""Trainings of Speech2Face of a few steps: over shards of clips with faces, by groups, on waves, and the decoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from idfacevc.backbones.tower import FaceTower, save_tower
from idfacevc.cli.main import main
from idfacevc.config.face import TowerSpec
from idfacevc.data.corpora.item import Item
from idfacevc.data.face_voice import FaceVoiceData
from idfacevc.data.shards import write_index, write_shard
from idfacevc.errors import InputError
from idfacevc.models.speech2face.face_side import bins_of
from idfacevc.training.resume import read_checkpoint
from idfacevc.training.speech2face import DisturbSpec, disturbed, read_decoder, read_voice
from tests.conftest import vowels
from tests.speech2face.material import POINTS

DIM = 16
SMALL = {"outputs": DIM, "hidden": 8, "divisor": 64, "pooled": True}


def shards(folder: Path, faces: bool, mels: bool = True) -> Path:
    """Eight clips of four people, two a split and gender."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    rows = []
    for number in range(8):
        features = {"mel": rng.normal(size=(700, 80))} if mels else {}
        if faces:
            features["face"] = rng.random((1, 4, DIM))
        split = "train" if number < 6 else "valid"
        age = "25" if mels else "20-29"
        rows.append((Item(f"clip{number}", f"s{number // 2}", split, gender="fm"[number % 2], age=age), features))
    write_shard(folder / "shard-00000.safetensors", rows, [], "test")
    write_index(folder, [folder / "shard-00000.safetensors"])
    return folder


@pytest.fixture
def tower(tmp_path) -> Path:
    torch.manual_seed(0)
    save_tower(tmp_path, FaceTower(TowerSpec(channels=(8, DIM), blocks=(1, 1), image_size=32)))
    return tmp_path


def train(folder: Path, kind: str, model: dict, data: dict, *more: str) -> int:
    """Two steps an epoch, two epochs, unless `more` says otherwise."""
    import yaml

    of_data = {"VoiceModule": "face_voice.FaceVoiceData", "DecoderModule": "face_pictures.PictureData"}[kind]
    settings = {
        "model": {"class_path": f"idfacevc.training.speech2face.{kind}", "init_args": model},
        "data": {"class_path": f"idfacevc.data.{of_data}", "init_args": data},
        "trainer": {
            "accelerator": "cpu",
            "max_epochs": 1,
            "limit_train_batches": 2,
            "default_root_dir": str(folder),
            "enable_progress_bar": False,
            "logger": False,
        },
    }
    config = folder.parent / f"{folder.name}.yaml"
    config.write_text(yaml.safe_dump(settings))
    return main(["train", "--config", str(config), *more])


def pictures(path: Path) -> Path:
    torch.manual_seed(0)
    tensors = {
        "images": torch.randint(256, (6, 3, 16, 16), dtype=torch.uint8),
        "points": POINTS + 0.02 * torch.randn(6, 5, 2),
        "features": torch.rand(6, DIM),
        "valid": torch.arange(6) >= 4,
        "number": torch.arange(6),
    }
    save_file(tensors, path)
    return path


def test_decoder_then_voice_with_the_papers_losses_and_on_from_there(tower, tmp_path):
    small = {"inputs": DIM, "hidden": 8, "shape": [8], "channels": [8, 4], "size": 16}
    data = {"pictures": str(pictures(tmp_path / "pictures.safetensors")), "batch_size": 2}
    assert train(tmp_path / "decoder", "DecoderModule", {"decoder": small, "tower": str(tower)}, data) == 0
    decoder = read_decoder(tmp_path / "decoder/last.ckpt")
    assert torch.allclose(decoder.mean_points, POINTS, atol=0.03)  # of the training pictures, not of zeros

    model = {
        "voice": {**SMALL, "front_end": "logmel"},
        "tower": str(tower),
        "decoder": str(tmp_path / "decoder/last.ckpt"),
        "disturb": {"noise": 0.5, "equaliser": 0.2, "narrow": 0.5},
    }
    speech, faces = shards(tmp_path / "speech", faces=False), shards(tmp_path / "faces", faces=True, mels=False)
    data = {"features": str(speech), "faces": str(faces), "faces_each": 3, "batch_size": 2, "balance": 1.0}
    assert train(tmp_path / "voice", "VoiceModule", model, data) == 0
    last = tmp_path / "voice/last.ckpt"
    before = read_voice(last)
    assert before.spec.outputs == DIM and read_checkpoint(str(last))["global_step"] == 2
    more = ["--trainer.max_epochs", "2", "--ckpt_path", str(last)]
    assert train(tmp_path / "voice", "VoiceModule", model, data, *more) == 0
    assert read_checkpoint(str(last))["global_step"] == 4
    assert not torch.equal(before.head[2].weight, read_voice(last).head[2].weight)
    with pytest.raises(InputError, match="no checkpoint of a face decoder"):
        read_decoder(last)


def test_clips_of_videos_with_the_complex_spectrogram(tmp_path):
    speech = shards(tmp_path / "clips", faces=True)
    rows = ["face\taudio\tspeaker\tid\tsplit"]
    soundfile.write(tmp_path / "one.wav", vowels(1.2), 16000)
    rows += [f"\tone.wav\ts{number // 2}\tclip{number}\ttrain" for number in range(8)]
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    data = {"features": str(speech), "audio": str(tmp_path / "table.tsv"), "batch_size": 2}
    assert train(tmp_path / "voice", "VoiceModule", {"voice": SMALL}, data) == 0
    assert read_voice(tmp_path / "voice/last.ckpt").spec.front_end == "complex"
    (tmp_path / "table.tsv").write_text("\n".join(rows[:-1]) + "\n")
    with pytest.raises(InputError, match="does not hold clip7"):
        FaceVoiceData(str(speech), audio=str(tmp_path / "table.tsv")).setup("fit")


def test_faces_are_of_the_voice_s_gender_and_age(tmp_path):
    speech, faces = shards(tmp_path / "speech", faces=False), shards(tmp_path / "faces", faces=True, mels=False)
    data = FaceVoiceData(str(speech), str(faces), batch_size=1)
    data.setup("fit")
    wanted = {
        gender: [
            feature
            for number, clip in enumerate(data._sets["train"].faces.store.clips)
            if clip.gender == gender and clip.split == "train"
            for feature in [data._sets["train"].faces.store.read(number, "face").mean(dim=(0, 1))]
        ]
        for gender in "fm"
    }
    for number in range(len(data._sets["train"])):
        gender = data._sets["train"].voices.clips[data._sets["train"].clips[number]].gender
        for seed in range(4):
            face = data._sets["train"][number, seed]["face"]
            assert any(torch.allclose(face, one, atol=1e-3) for one in wanted[gender])
    assert bins_of("6") == ("3-9",) and bins_of("70") == ("more than 70",) and bins_of("20-29") == ("20-29",)
    assert bins_of("") == ("20-29", "30-39", "40-49", "50-59")


def test_both_or_neither_of_tower_and_decoder(tower, tmp_path, capsys):
    speech = shards(tmp_path / "clips", faces=True)
    model = {"voice": {**SMALL, "front_end": "logmel"}, "tower": str(tower)}
    assert train(tmp_path / "voice", "VoiceModule", model, {"features": str(speech)}) == 2
    assert "need both the tower and the decoder" in capsys.readouterr().err


def test_disturbance_is_seeded_and_leaves_the_loud_bands():
    mel = torch.randn(3, 80, 50, generator=torch.Generator().manual_seed(0)) - 2
    spec = DisturbSpec(noise=1.0, narrow=1.0)
    first, second = (disturbed(mel, spec, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second) and not torch.equal(first, mel)
    assert torch.equal(disturbed(mel, DisturbSpec(), torch.Generator()), mel)
    assert (first[:, :50] >= mel[:, :50] - 1e-4).all()  # noise adds
    assert first[:, 70:].std() < mel[:, 70:].std()

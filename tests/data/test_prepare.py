import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from safetensors.torch import load_file

from idfacevc.backbones.tower import FaceTower, save_tower
from idfacevc.config.face import FaceSpec, TowerSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.data.corpora.folder import read_folder
from idfacevc.data.corpora.item import Item
from idfacevc.data.features import FeatureSpec
from idfacevc.data.prepare import STATISTICS, prepare
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError

FRONT_END = FrontEndSpec(floor=1e-5)


def voice(seconds: float, hz: float, seed: int) -> np.ndarray:
    time_ = np.arange(int(seconds * 16000)) / 16000
    wave = sum(np.sin(2 * np.pi * hz * k * time_) / k for k in range(1, 8)) * 0.1
    return (wave + 0.003 * np.random.default_rng(seed).normal(size=len(time_))).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A TSV of six good clips with faces, and one of each kind of broken clip."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = ["face\taudio\tspeaker\tsplit"]
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", voice(0.8, 110 + 30 * number, number), 16000)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (80, 80, 3), dtype=np.uint8)).save(
            folder / f"{number}.png"
        )
        rows.append(f"{number}.png\t{number}.wav\tspeaker{number // 2}\t{'valid' if number == 5 else 'train'}")
    (folder / "not-audio.wav").write_bytes(b"hello")
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(folder / "short.wav", voice(0.1, 100, 0), 16000)
    rows += [f"\t{name}\tspeaker0\ttrain" for name in ("not-audio.wav", "silent.wav", "short.wav", "absent.wav")]
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_shards_hold_every_good_clip_and_rejects_have_reasons(corpus, tmp_path):
    tower_folder = tmp_path / "tower"
    tower_folder.mkdir()
    sizes = TowerSpec(channels=(8, 16), blocks=(1, 1), image_size=24)
    save_tower(tower_folder, FaceTower(sizes))
    items = [Item(**{**vars(item), "aligned": True}) for item in read_folder(corpus / "clips.tsv")]
    face = FaceSpec(sizes, token_dim=16, crop="aligned")
    spec = FeatureSpec(FRONT_END, None, face, str(tower_folder), face_views=2)
    summary = prepare(items, spec, tmp_path / "out", workers=1, shard_clips=4, progress=False)
    store = FeatureStore(tmp_path / "out")
    assert [clip.id for clip in store.clips] == [item.id for item in items[:6]]
    assert summary.clips == 6 and summary.speakers == 3 and sum(summary.rejected.values()) == 4
    rejected = (tmp_path / "out" / "rejected.tsv").read_text().splitlines()
    assert len(rejected) == 5 and all(len(line.split("\t")) == 2 and line.split("\t")[1] for line in rejected)
    for index, clip in enumerate(store.clips):
        mel, lf0 = store.read(index, "mel"), store.read(index, "lf0")
        assert mel.shape == (clip.frames, 80) and lf0.shape == (clip.frames,)
        assert abs(lf0[lf0 > 0].median().exp().item() - (110 + 30 * index)) < 3
        assert store.read(index, "face").shape == (2, 36, 16)
    manifest = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [row["id"] for row in manifest] == [clip.id for clip in store.clips]


def test_statistics_are_those_of_the_training_split(corpus, tmp_path):
    items = read_folder(corpus / "clips.tsv")[:6]
    prepare(items, FeatureSpec(FRONT_END), tmp_path, workers=1, shard_clips=4, progress=False)
    store = FeatureStore(tmp_path)
    mel = torch.cat([store.read(i, "mel") for i, clip in enumerate(store.clips) if clip.split == "train"]).double()
    found = load_file(tmp_path / STATISTICS)
    torch.testing.assert_close(found["mel_mean"], mel.mean(0).float(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found["mel_std"], mel.std(0, correction=0).float(), atol=1e-3, rtol=1e-3)


def test_finished_shards_are_kept_and_others_made_anew(corpus, tmp_path):
    items = read_folder(corpus / "clips.tsv")[:6]
    spec = FeatureSpec(FRONT_END)
    prepare(items, spec, tmp_path, workers=1, shard_clips=2, progress=False)
    shards = sorted(tmp_path.glob("shard-*.safetensors"))
    content = [path.read_bytes() for path in shards]
    shards[1].unlink()
    kept = shards[0].stat().st_mtime_ns
    prepare(items, spec, tmp_path, workers=1, shard_clips=2, progress=False)
    assert shards[0].stat().st_mtime_ns == kept, "a finished shard was made twice"
    assert [path.read_bytes() for path in shards] == content
    # other settings make other shards
    prepare(items, FeatureSpec(FrontEndSpec(floor=1e-3)), tmp_path, workers=1, shard_clips=2, progress=False)
    assert FeatureStore(tmp_path).read(0, "mel").min() >= -3.01
    # fewer items leave no shard behind
    prepare(items[:2], spec, tmp_path, workers=1, shard_clips=2, progress=False)
    assert len(FeatureStore(tmp_path).clips) == 2


@pytest.mark.slow
def test_a_killed_preparation_goes_on(corpus, tmp_path):
    many = [f"\t{corpus}/{n % 5}.wav\tspeaker{n % 3}\ttrain" for n in range(600)]
    table = tmp_path / "many.tsv"
    table.write_text("\n".join(["face\taudio\tspeaker\tsplit", *many]) + "\n")
    config = tmp_path / "model.yaml"
    config.write_text("model: {init_args: {model: {speech: {kind: resemblyzer_projection, token_dim: 256}}}}")
    out = tmp_path / "out"
    command = [sys.executable, "-c", "import sys; from idfacevc.cli.main import main; sys.exit(main())", "prepare",
               "folder", str(table), "--out", str(out), "--config", str(config)]  # fmt: skip
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.time() + 200
    while not list(out.glob("shard-*.safetensors")) and time.time() < deadline and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in out.glob("shard-*.safetensors")}
    assert 0 < len(before) < 10, "the kill came too late or too early to mean anything"
    subprocess.run(command, check=True)
    assert all(path.stat().st_mtime_ns == made for path, made in before.items())
    assert [clip.id for clip in FeatureStore(out).clips] == [item.id for item in read_folder(table)]


def test_bad_tables_say_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="columns face, audio and speaker"):
        read_folder(tmp_path / "absent.tsv")
    (tmp_path / "a.tsv").write_text("face\taudio\nx\ty\n")
    with pytest.raises(InputError, match="lacks the column speaker"):
        read_folder(tmp_path / "a.tsv")
    (tmp_path / "b.tsv").write_text("id\tface\taudio\tspeaker\n1\ta\tb\tc\n1\ta\tb\tc\n")
    with pytest.raises(InputError, match="twice"):
        read_folder(tmp_path / "b.tsv")
    with pytest.raises(InputError, match="idfacevc prepare"):
        FeatureStore(tmp_path)


def test_a_corpus_without_a_usable_clip_is_an_error(corpus, tmp_path):
    items = [item for item in read_folder(corpus / "clips.tsv") if "silent" in item.audio]
    with pytest.raises(InputError, match=r"rejected\.tsv"):
        prepare(items, FeatureSpec(FRONT_END), tmp_path, workers=1, progress=False)

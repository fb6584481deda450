"""Preparation of real videos with the real classes of CLIP and CLAP, small: what is stored, and every fault."""

from __future__ import annotations

import errno
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.backbones.clap import ClapBackbone
from idfacevc.cli.main import main
from idfacevc.config.face import ClipSpec, FaceSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.speech import ClapSafpqSpec
from idfacevc.data import reading
from idfacevc.data.features import FeatureSpec
from idfacevc.data.prepare import prepare
from idfacevc.data.shards import INDEX, FeatureStore
from idfacevc.data.video import read_media
from idfacevc.errors import InputError
from idfacevc.face.image import video_frames
from idfacevc.face.reader import FaceReader
from tests import lrs3_corpus
from tests.pretrained_models import CLAP_DIM, CLIP_DIM, write_clap, write_clip

pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def lrs3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two speakers, five clips of a second."""
    return lrs3_corpus.write_lrs3(tmp_path_factory.mktemp("lrs3"), speakers=2, clips=2, seconds=1.0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_clip(folder / "clip")
    write_clap(folder / "clap")
    spec = spec_of(folder)
    assert spec.face is not None and spec.speech is not None
    settings = {"face": asdict(spec.face), "speech": asdict(spec.speech)}
    (folder / "model.yaml").write_text(json.dumps({"model": {"init_args": {"model": settings}}}))
    return folder


def spec_of(weights: Path) -> FeatureSpec:
    face = FaceSpec(ClipSpec(name=str(weights / "clip"), revision=None), token_dim=CLIP_DIM, max_frames=3)
    speech = ClapSafpqSpec(name=str(weights / "clap"), revision=None, token_dim=CLAP_DIM)
    return FeatureSpec(FrontEndSpec(), speech, face)


def run(weights: Path, *line: object) -> int:
    return main(["prepare", *map(str, line), "--config", str(weights / "model.yaml"), "--workers", "1"])


@pytest.fixture(scope="module")
def features(lrs3: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("features")
    assert run(weights, "lrs3", "--root", lrs3, "--out", out) == 0
    return out


def test_lrs3_becomes_shards(lrs3: Path, features: Path) -> None:
    store = FeatureStore(features)
    assert [(clip.id, clip.split) for clip in store.clips] == [
        ("pretrain/-speak000_z/00001", "train"),
        ("pretrain/-speak000_z/00002", "train"),
        ("pretrain/_speak001-z/00001", "train"),
        ("trainval/-speak000_z/50001", "valid"),
        ("trainval/_speak001-z/50001", "valid"),
    ]
    assert store.clips[0].text == "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG"
    rows = [json.loads(line) for line in (features / "manifest.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [clip.id for clip in store.clips]
    assert (features / "rejected.tsv").read_text() == "id\treason\n"


def test_what_is_stored_is_what_a_conversion_would_compute(lrs3: Path, features: Path, weights: Path) -> None:
    """Against the single-file path of inference: sound and pictures read apart, one clip at a time."""
    import librosa

    store, spec = FeatureStore(features), spec_of(weights)
    assert spec.face is not None and spec.speech is not None
    clip = lrs3 / "pretrain/-speak000_z/00002.mp4"
    wav, _ = librosa.effects.trim(load_audio(clip, 16000), top_db=60)
    mel = LogMel(spec.front_end)(torch.from_numpy(wav)[None])[0].T
    torch.testing.assert_close(store.read(1, "mel"), mel, atol=5e-3, rtol=1e-3)
    tokens = FaceReader(spec.face, None).tokens(clip)
    torch.testing.assert_close(store.read(1, "face")[0], tokens, atol=2e-2, rtol=1e-2)
    backbone = ClapBackbone(spec.speech)
    heard = backbone.tokens([backbone.preprocess(wav, 16000)])
    torch.testing.assert_close(store.read(1, "speech"), heard, atol=2e-2, rtol=1e-2)


def test_one_pass_gives_what_two_give(lrs3: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = str(lrs3 / "trainval/_speak001-z/50001.mp4")
    sound, pictures = load_audio(clip, 16000), list(video_frames(clip, 4))
    opened = []
    real = av.open
    monkeypatch.setattr(av, "open", lambda *args, **options: opened.append(args) or real(*args, **options))
    wav, frames = read_media(clip, 16000, 4)
    assert len(opened) == 1
    np.testing.assert_array_equal(wav, sound)
    assert len(frames) == 4
    for one, other in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


FAULTS = {
    "empty.mp4": "is empty",
    "no-face.mp4": "no face of at least 32 pixels",
    "no-pictures.mp4": "holds no pictures",
    "no-sound.mp4": "holds no audio",
    "silent.mp4": "is silent",
    "text.mp4": "cannot be decoded",
    "truncated.mp4": "cannot be decoded",
}


@pytest.fixture(scope="module")
def broken(lrs3: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One speaker: every kind of broken clip, a good one, and one whose face is in only some frames."""
    folder = tmp_path_factory.mktemp("broken") / "anna"
    folder.mkdir()
    good = (lrs3 / "pretrain/-speak000_z/00001.mp4").read_bytes()
    shown, spoken = lrs3_corpus.frames(0, 0, 9), lrs3_corpus.voice("Hello there.", 0, 0.5)
    grey = [Image.new("RGB", (224, 224), "grey")] * 9
    (folder / "good.mp4").write_bytes(good)
    (folder / "truncated.mp4").write_bytes(good[: len(good) // 2])
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("not a video" * 100)
    lrs3_corpus.write_video(folder / "some.mp4", [*shown[:5], *grey[:4]], spoken)
    lrs3_corpus.write_video(folder / "no-face.mp4", grey, spoken)
    lrs3_corpus.write_video(folder / "no-sound.mp4", shown, None)
    lrs3_corpus.write_video(folder / "no-pictures.mp4", [], spoken)
    lrs3_corpus.write_video(folder / "silent.mp4", shown, np.zeros_like(spoken))
    return folder.parent


def test_broken_clips_are_rejected_with_their_reason_and_the_rest_goes_on(
    broken: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(weights, "folder", broken, "--out", tmp_path) == 0
    assert [clip.id for clip in FeatureStore(tmp_path).clips] == ["anna/good.mp4", "anna/some.mp4"]
    rows = dict(line.split("\t") for line in (tmp_path / "rejected.tsv").read_text().splitlines()[1:])
    assert rows.keys() == {f"anna/{name}" for name in FAULTS}
    for name, words in FAULTS.items():
        assert words in rows[f"anna/{name}"], name
    said = capsys.readouterr().out
    assert "2 clips" in said and "1 speakers" in said and "7 clips rejected" in said
    assert "training needs clips of at least two" in said


def test_a_table_of_pictures_and_recordings(lrs3: Path, weights: Path, tmp_path: Path) -> None:
    """A folder of frames is the same face as the video that they are from."""
    import soundfile

    clip = lrs3 / "pretrain/_speak001-z/00001.mp4"
    (tmp_path / "frames").mkdir()
    for number, frame in enumerate(video_frames(clip, 3)):
        frame.save(tmp_path / "frames" / f"{number}.png")
    soundfile.write(tmp_path / "sound.flac", load_audio(clip, 16000), 16000, subtype="PCM_24")
    rows = [f"{clip}\t{clip}\tvideo", "frames\tsound.flac\tapart", "frames/0.png\tsound.flac\tpicture"]
    (tmp_path / "clips.tsv").write_text("\n".join(["face\taudio\tspeaker", *rows]))
    assert run(weights, "folder", tmp_path / "clips.tsv", "--out", tmp_path / "out") == 0
    store = FeatureStore(tmp_path / "out")
    assert [clip.speaker for clip in store.clips] == ["video", "apart", "picture"]
    torch.testing.assert_close(store.read(1, "face"), store.read(0, "face"), atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(store.read(1, "mel"), store.read(0, "mel"), atol=2e-2, rtol=1e-2)


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Writing beyond `limit` bytes of a file fails, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_loses_nothing_that_is_finished(lrs3: Path, weights: Path, tmp_path: Path) -> None:
    from idfacevc.data.corpora.lrs3 import lrs3_items

    items, spec = lrs3_items(lrs3), spec_of(weights)

    def make(count: int, out: Path) -> None:
        prepare(items[:count], spec, out, workers=1, shard_clips=2, progress=False)

    make(2, tmp_path)
    (first,) = tmp_path.glob("shard-*")
    made = first.stat().st_mtime_ns
    with small_files(10_000), pytest.raises(InputError, match=r"shard-00001\.safetensors: cannot be written .* stays"):
        make(5, tmp_path)
    assert [path.name for path in tmp_path.glob("*shard-*")] == [first.name], "a part of a file was left"
    with pytest.raises(InputError, match="to its end"):
        FeatureStore(tmp_path)
    make(5, tmp_path)
    assert first.stat().st_mtime_ns == made
    assert len(FeatureStore(tmp_path).clips) == 5


def test_a_full_disk_is_not_the_fault_of_a_clip(
    lrs3: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(reading, "read_media", full)
    assert run(weights, "lrs3", "--root", lrs3, "--out", tmp_path) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert "No space left on device" in last and "finished shards stay" in last
    assert not list(tmp_path.glob("*shard*"))


def test_shards_that_are_missing_or_damaged_are_named_and_made_anew(
    features: Path, lrs3: Path, weights: Path, tmp_path: Path
) -> None:
    whole = {path.name: path.read_bytes() for path in features.iterdir()}
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    shard, index = tmp_path / "shard-00000.safetensors", tmp_path / INDEX
    shard.unlink()
    with pytest.raises(InputError, match=r"shard-00000\.safetensors: is missing; run the same"):
        FeatureStore(tmp_path)
    shard.write_bytes(whole[shard.name][:-100])
    with pytest.raises(InputError, match=r"shard-00000\.safetensors: is damaged; run the same"):
        FeatureStore(tmp_path)
    (tmp_path / ".shard-00000-abcd.safetensors").write_bytes(b"what a kill left behind")
    assert run(weights, "lrs3", "--root", lrs3, "--out", tmp_path) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole
    for damaged in (b"", b'{"shards"', b"[]", b'{"other": 1}', b"\xff"):
        index.write_bytes(damaged)
        with pytest.raises(InputError, match=r"index\.json: is damaged"):
            FeatureStore(tmp_path)
    assert run(weights, "lrs3", "--root", lrs3, "--out", tmp_path) == 0
    assert index.read_bytes() == whole[INDEX]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["--root", "."], "holds no clips pretrain/SPEAKER/CLIP.mp4"),
        (["--root", "LRS3", "--config", "unknown.yaml"], "unknown key naem"),
        (["--root", "LRS3", "--config", "absent.yaml"], "absent.yaml: no such file"),
        (["--root", "LRS3", "--config", "weights.yaml"], "clip is not on this machine; run `idfacevc download`"),
        (["--root", "LRS3", "--device", "tpu"], "unknown device 'tpu'"),
        (["--root", "LRS3", "--engine", "slurm"], "invalid choice: 'slurm'"),
        (["--root", "LRS3", "--out", "file/out"], "cannot be written"),
        ([], "required: --root"),
    ],
)
def test_a_line_that_cannot_work(
    line: list[str], words: str, lrs3: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LRS3").symlink_to(lrs3)
    (tmp_path / "file").touch()
    (tmp_path / "unknown.yaml").write_text("model: {init_args: {model: {face: {naem: x}}}}")
    (tmp_path / "weights.yaml").write_text(
        "model: {init_args: {model: {face: {backbone: {name: ./clip}}, speech: {kind: resemblyzer_projection}}}}"
    )
    config = [] if "--config" in line else ["--config", str(weights / "model.yaml")]
    out = [] if "--out" in line else ["--out", "out"]
    assert main(["prepare", "lrs3", *line, *config, *out, "--workers", "1"]) == 2
    error = [line for line in capfd.readouterr().err.splitlines() if line.startswith("idfacevc: ")]
    assert len(error) == 1 and words in error[0], error

"""What goes wrong around a training: one clear line, and nothing finished is lost."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import save_file

from idfacevc.cli.main import main
from idfacevc.errors import InputError
from idfacevc.training import checkpoint_io as whole_checkpoints
from idfacevc.training.checkpoint_io import AtomicCheckpointIO
from idfacevc.training.stage_a import StageA
from tests.sizes import tiny_spec
from tests.training.material import write_features
from tests.training.test_stages import FAST, data, trainer

CONF = Path(__file__).parents[2] / "recipes/lrs3/conf"
TINY = Path(__file__).with_name("tiny.yaml")
EXTRA = """
model: {init_args: {model: {face: {token_dim: 16}, speech: {token_dim: 256}}}}
data: {init_args: {crop_frames: 32, batch_size: 6, workers: 0}}
trainer: {accelerator: cpu, enable_progress_bar: false, enable_model_summary: false, logger: false}
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    write_features(tmp_path / "features")
    (tmp_path / "extra.yaml").write_text(EXTRA)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(*options):
    used = [CONF / "stage_a.yaml", CONF / "idfacevc.yaml", TINY, "extra.yaml"]
    return ["train", *(part for path in used for part in ("--config", str(path))), *options]


def complaint(capsys, *options):
    """The one line of a training that cannot be."""
    capsys.readouterr()
    assert main(arguments(*options)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("idfacevc: error:")]
    assert len(lines) == 1
    return lines[0]


def test_bad_configurations_and_features_are_one_clear_line(workplace, capsys):
    assert "prompt5" in complaint(capsys, "--model.init_args.model.face_head.prompt5", "3")
    assert "must agree" in complaint(capsys, "--model.init_args.model.memory.dim", "128")
    assert "face features are 16 wide, not 32" in complaint(capsys, "--model.init_args.model.face.token_dim", "32")
    assert "no such checkpoint" in complaint(capsys, "--ckpt_path", "absent.ckpt")
    shard = workplace / "features/shard-00000.safetensors"
    shard.rename(workplace / "elsewhere")
    assert "shard-00000.safetensors: is missing" in complaint(capsys)
    assert "no finished features" in complaint(capsys, "--data.init_args.features", "nowhere")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--data.init_args.batch_size", "0"), "batch_size 0"),
        (("--data.init_args.workers=-1",), "workers -1"),
        (("--data.init_args.seed=-1",), "seed -1"),
        (("--trainer.accelerator", "warp"), "accelerator"),
        (("--trainer.devices", "none"), "devices|none"),
        (("--seed_everything=-1",), "bounds"),
        (("--data.init_args.epoch_clips", "1"), "no batch"),
        (("--ckpt_path", "text.ckpt"), "text.ckpt: is damaged"),
        (("--ckpt_path", "list.ckpt"), "list.ckpt: is no training checkpoint"),
        (("--ckpt_path", "weights.ckpt"), "weights.ckpt: no training can go on from it"),
    ],
)
def test_a_training_that_cannot_be_is_one_line(workplace, capsys, options, words):
    (workplace / "text.ckpt").write_text("no checkpoint")
    torch.save([1, 2], workplace / "list.ckpt")
    torch.save({"state_dict": {}}, workplace / "weights.ckpt")
    assert re.search(words, complaint(capsys, *options))


@pytest.mark.parametrize("content", [b"", b"no tensors", "shape", "nan"])
def test_damaged_statistics_are_one_line(workplace, capsys, content):
    path = workplace / "features/statistics.safetensors"
    if content == "shape":
        save_file({"mel_mean": torch.zeros(80), "mel_std": torch.ones(79)}, path)
    elif content == "nan":
        save_file({"mel_mean": torch.full((80,), torch.nan), "mel_std": torch.ones(80)}, path)
    else:
        path.write_bytes(content)
    assert "statistics.safetensors" in complaint(capsys)


@pytest.mark.parametrize("verb", [["train"], ["vocoder", "train"]])
def test_help_is_our_own(capsys, verb):
    assert main([*verb, "--help"]) == 0
    said = capsys.readouterr().out
    assert "--ckpt_path" in said and "example: idfacevc" in said and len(said.splitlines()) < 40


def test_a_full_disk_leaves_the_checkpoint_of_before(tmp_path, monkeypatch):
    pl.seed_everything(0, verbose=False)
    features = write_features(tmp_path / "features")
    run = trainer(tmp_path, 1, enable_checkpointing=False, limit_val_batches=0)
    run.strategy.checkpoint_io = AtomicCheckpointIO()
    run.fit(StageA(tiny_spec(), optim=FAST), data(features))
    run.save_checkpoint(tmp_path / "last.ckpt")
    before = (tmp_path / "last.ckpt").read_bytes()

    def full(content, path):
        Path(path).write_bytes(b"the first part")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_checkpoints.torch, "save", full)
    with pytest.raises(InputError, match=r"last.ckpt: .*No space left .*the one before it stays"):
        run.save_checkpoint(tmp_path / "last.ckpt")
    assert (tmp_path / "last.ckpt").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"features", "last.ckpt"}


def test_a_damaged_checkpoint_is_one_clear_line(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"PK no")
    with pytest.raises(InputError, match="is damaged"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "last.ckpt")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_training_goes_on_where_it_was(workplace):
    command = [sys.executable, "-m", "idfacevc.cli.main", *arguments("--trainer.max_epochs", "400")]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    last = workplace / "stage_a/last.ckpt"
    started = subprocess.Popen(command, env=env)
    while not last.exists() or torch.load(last, weights_only=True)["epoch"] < 3:
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(signal.SIGKILL)
    started.wait()
    epoch = torch.load(last, weights_only=True)["epoch"]
    end = str(epoch + 3)
    command[-1] = end
    subprocess.run([*command, "--ckpt_path", "stage_a/last.ckpt"], env=env, check=True)
    assert torch.load(last, weights_only=True)["epoch"] == epoch + 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("number", "status", "words"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_ends_a_training_with_one_line(workplace, number, status, words):
    command = [sys.executable, "-m", "idfacevc.cli.main", *arguments("--trainer.max_epochs", "4000")]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    while not (workplace / "stage_a/last.ckpt").exists():
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(number)
    said = started.communicate(timeout=120)[1].splitlines()
    assert started.returncode == status
    assert said[-1] == f"idfacevc: error: {words}"
    assert not any("Traceback" in line or "KeyboardInterrupt" in line for line in said)
    assert torch.load(workplace / "stage_a/last.ckpt", weights_only=True)["state_dict"]

"""A vocoder's training: it learns, the discriminator comes in when it should, it resumes, it becomes a vocoder."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import soundfile
import torch
from safetensors.torch import save_file

from idfacevc.audio.mel import LogMel
from idfacevc.bundles.vocoder import load_vocoder
from idfacevc.cli.main import main
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.pitch import RegisterPitchSpec
from idfacevc.config.vocoder import DiscriminatorSpec, GeneratorSpec
from idfacevc.data.corpora.item import Item
from idfacevc.data.vocoder import VocoderDataModule, WaveDataset
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.training.callbacks import WaveSampleWriter
from idfacevc.training.vocoder import VocoderModule, WaveGanOptimSpec, export_vocoder
from idfacevc.training.vocoder_mels import own_mel
from tests.closeness import assert_near
from tests.conftest import vowels
from tests.sizes import tiny_spec

FRONT_END = FrontEndSpec(floor=1e-5)
GENERATOR = GeneratorSpec(layers=4, stacks=2, residual=8, gate=16, skip=8)
DISCRIMINATOR = DiscriminatorSpec(layers=3, channels=8)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recordings of speakers, the last two for validation."""
    folder = tmp_path_factory.mktemp("waves")
    lines = ["face\taudio\tspeaker\tid\tsplit"]
    for number in range(6):
        soundfile.write(folder / f"{number}.flac", vowels(1.0, seed=number), 16000)
        lines.append(f"\t{number}.flac\ts{number}\tclip{number}\t{'valid' if number > 3 else 'train'}")
    (folder / "table.tsv").write_text("\n".join(lines) + "\n")
    return folder / "table.tsv"


def data(table: Path, **options) -> VocoderDataModule:
    return VocoderDataModule(table=str(table), **{"frames": 20, "valid_frames": 40, "batch_size": 2, **options})


def module(adversarial_from: int = 100, **options) -> VocoderModule:
    optim = WaveGanOptimSpec(generator_lr=5e-3, discriminator_lr=1e-3, adversarial_from=adversarial_from)
    return VocoderModule(FRONT_END, GENERATOR, DISCRIMINATOR, optim, **options)


def trainer(folder: Path, epochs: int, **options) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu", max_epochs=epochs, default_root_dir=folder, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, logger=False,
        **{"enable_checkpointing": False, **options},
    )  # fmt: skip


def test_a_segments_mel_is_that_of_the_whole_recording(table: Path) -> None:
    items = [Item("a", "s", audio=str(table.parent / "0.flac"))]
    source = WaveDataset(items, FRONT_END, 20, 2, None, training=True)
    whole = source.wave(0)
    mel = LogMel(FRONT_END)(whole[None])[0]
    starts = set()
    for seed in range(12):
        example = source[0, seed]
        wave = example["wave"]
        start = next(s for s in range(len(whole) // 160) if torch.equal(whole[s * 160 : s * 160 + 3200], wave))
        starts.add(start)
        wanted = mel[:, torch.arange(start - 2, start + 22).clamp(0, mel.shape[1] - 1)]
        torch.testing.assert_close(example["mel"], wanted, atol=1e-4, rtol=0)
    assert len(starts) > 5


def test_a_short_recording_is_followed_by_silence(table: Path) -> None:
    items = [Item("a", "s", audio=str(table.parent / "0.flac"))]
    example = WaveDataset(items, FRONT_END, 150, 2, None, training=True)[0, 0]
    assert example["wave"].shape == (24000,) and example["mel"].shape == (80, 154)
    assert not example["wave"][16000:].any() and example["mel"][:, 120:].max() == -5


def test_what_a_refining_generator_is_given_has_the_mel_already(table: Path) -> None:
    items = [Item("a", "s", audio=str(table.parent / "0.flac"))]
    refining = VocoderModule(FRONT_END, replace(GENERATOR, excitation="griffin_lim"), DISCRIMINATOR)
    example = WaveDataset(items, FRONT_END, 40, 2, None, training=True, excite=refining.excite)[0, 1]
    assert example["excitation"].shape == example["wave"].shape
    made = LogMel(FRONT_END)(example["excitation"][None])[0, :, 2:-3]
    real = LogMel(FRONT_END)(example["wave"][None])[0, :, 2:-3]
    assert (made - real).abs().mean() < 0.1
    noise = WaveDataset(items, FRONT_END, 40, 2, None, training=True)[0, 1]["excitation"]
    assert (LogMel(FRONT_END)(noise[None])[0, :, 2:-3] - real).abs().mean() > 1


def test_spectra_come_closer_and_the_training_becomes_a_vocoder(table: Path, tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    model, source = module(), data(table, epoch_segments=40)
    run = trainer(tmp_path, 3, callbacks=[WaveSampleWriter(str(tmp_path / "samples"), 1, every_epochs=1)])
    distances = []

    class Watch(pl.Callback):
        def on_validation_epoch_end(self, trainer, module):
            distances.append(float(trainer.callback_metrics["valid/stft"]))

    run.callbacks.append(Watch())
    run.fit(model, source)
    assert distances[-1] < 0.8 * distances[0]
    assert model.steps == 60
    assert {path.name for path in (tmp_path / "samples").iterdir()} >= {"step-0000060.png", "step-0000060-0.wav"}
    run.save_checkpoint(tmp_path / "v.ckpt")
    assert export_vocoder(tmp_path / "v.ckpt", tmp_path / "voc") == 60
    mel = LogMel(FRONT_END)(torch.from_numpy(vowels(0.5))[None])[0]
    vocoder = load_vocoder(tmp_path / "voc", FRONT_END)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(mel.shape[1] * 160, dtype=np.float32))
    with torch.no_grad():
        wanted = model.eval()(model.generator.with_context(mel[None]), noise[None, None])[0, 0]
    assert_near(vocoder(mel), wanted)


def test_the_discriminator_comes_in_at_its_step(table: Path, tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    model = module(adversarial_from=2)
    before = {name: value.clone() for name, value in model.discriminator.state_dict().items()}
    changed = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, *_):
            state = model.discriminator.state_dict()
            changed.append(any(not torch.equal(state[name], value) for name, value in before.items()))

    trainer(tmp_path, 2, callbacks=[Watch()], limit_val_batches=0).fit(model, data(table))
    assert changed == [False, False, True, True]


def test_a_resumed_training_is_the_uninterrupted_one(table: Path, tmp_path: Path) -> None:
    def run(epochs: int, checkpoint: Path | None = None) -> VocoderModule:
        pl.seed_everything(0, verbose=False)
        model = module(adversarial_from=3)
        keep = pl.callbacks.ModelCheckpoint(tmp_path / str(epochs), save_last=True, save_on_train_epoch_end=True)
        one = trainer(tmp_path, epochs, callbacks=[keep], enable_checkpointing=True, limit_val_batches=0)
        torch.manual_seed(epochs if checkpoint is None else 7)
        one.fit(model, data(table), ckpt_path=checkpoint)
        return model

    run(2)
    resumed = run(4, tmp_path / "2/last.ckpt")
    assert resumed.steps == 8
    state = torch.load(tmp_path / "4/last.ckpt", weights_only=True)
    assert state["vocoder"]["steps"] == 8
    assert [len(one["state"]) > 0 for one in state["optimizer_states"]] == [True, True]
    assert [one["last_epoch"] for one in state["lr_schedulers"]] == [8, 5]


def test_it_goes_on_from_a_vocoder_on_another_models_mels(table: Path, tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    first = module()
    run = trainer(tmp_path, 1, limit_val_batches=0)
    run.fit(first, data(table))
    run.save_checkpoint(tmp_path / "v.ckpt")
    export_vocoder(tmp_path / "v.ckpt", tmp_path / "voc")
    (tmp_path / "mels").mkdir()
    for number in (0, 1, 4):
        save_file({"mel": torch.full((80, 101), -2.0)}, tmp_path / f"mels/clip{number}.safetensors")
    second = module(init=str(tmp_path / "voc"))
    source = data(table, mels=str(tmp_path / "mels"))
    noise, mel = torch.randn(1, 1, 800), torch.randn(1, 80, 9)
    with torch.no_grad():
        torch.testing.assert_close(second(mel, noise), first(mel, noise), atol=1e-5, rtol=1e-4)
    trainer(tmp_path, 1).fit(second, source)
    assert len(source._sets["train"]) == 2 and len(source._sets["valid"]) == 1
    assert (source._sets["train"][0, 0]["mel"] == -2).all()
    assert torch.equal(second.mel_mean, first.mel_mean)
    with pytest.raises(InputError, match="other sizes"):
        VocoderModule(FRONT_END, GeneratorSpec(), DISCRIMINATOR, init=str(tmp_path / "voc"))
    with pytest.raises(InputError, match=r"floor 1e-10.*floor 1e-05"):
        VocoderModule(FrontEndSpec(), GENERATOR, DISCRIMINATOR, init=str(tmp_path / "voc"))


def test_the_command_trains_and_resumes_from_the_recipes_configurations(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    conf = Path(__file__).parents[2] / "recipes/vocoder/conf"
    tiny = [
        "--model.generator.layers", "4", "--model.generator.residual", "4", "--model.generator.gate", "8",
        "--model.discriminator.layers", "2", "--model.optim.adversarial_from", "1", "--data.epoch_segments", "4",
        "--data.table", str(table), "--data.batch_size", "2", "--trainer.check_val_every_n_epoch", "1",
        "--trainer.accelerator", "cpu", "--trainer.log_every_n_steps", "1",
    ]  # fmt: skip
    command = [
        "vocoder",
        "train",
        "--config",
        str(conf / "parallel_wavegan.yaml"),
        "--config",
        str(conf / "small_cpu.yaml"),
    ]
    assert main([*command, *tiny, "--trainer.max_epochs", "1"]) == 0
    assert main([*command, *tiny, "--trainer.max_epochs", "2", "--ckpt_path", "train/last.ckpt"]) == 0
    with open(sorted(Path("train").glob("version_*/metrics.csv"))[-1]) as file:
        steps = {float(row["step"]) for row in csv.DictReader(file) if row["step"]}
    assert max(steps) >= 4
    assert main(["vocoder", "export", "train/last.ckpt", "--out", "voc"]) == 0
    assert load_vocoder("voc")(torch.zeros(80, 5)).shape == (800,)


def test_a_file_that_is_no_training_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"nothing")
    assert main(["vocoder", "export", str(tmp_path / "x.ckpt"), "--out", str(tmp_path / "voc")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_own_mels_have_the_register_of_their_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The voice's own would put harmonics elsewhere than the recording has them."""
    torch.manual_seed(0)
    net = IDFaceVCNet(tiny_spec(pitch=RegisterPitchSpec())).eval()
    decode, asked = net.stream_mel, []
    monkeypatch.setattr(net, "stream_mel", lambda *args: asked.append(args[-1]) or decode(*args))
    mel = own_mel(net, vowels(1.0), torch.rand(1, 256))
    assert mel.shape == (80, 101)
    assert float(asked[0][0, 0].exp()) == pytest.approx(130, rel=0.25)

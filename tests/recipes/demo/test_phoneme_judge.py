"""The judge of words: it learns to recognise phonemes, and hears whether two mels say the same."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import save_file

from idfacevc.data.corpora.item import Item
from idfacevc.data.prepare import STATISTICS
from idfacevc.data.shards import write_index, write_shard
from idfacevc.errors import InputError
from idfacevc.text.espeak import phonemes
from idfacevc.training.module import LossSpec
from idfacevc.training.stage_a import StageA, StageASpec
from recipes.demo.judges import JudgesSpec
from recipes.demo.phoneme_judge import PhonemeJudgeModule, load_phoneme_judge
from recipes.demo.utterances import UtteranceDataModule
from tests.sizes import tiny_spec
from tests.training.material import write_features
from tests.training.test_stages import FAST, data, trainer

WORDS = ("see", "tea", "sue", "two", "sir", "toe")


def spoken(text: str, voice: np.ndarray) -> np.ndarray:
    """A mel (T, M) in which each phoneme lasts ten frames and has a pattern of its own."""
    sounds = phonemes(text).replace("ˈ", "").replace("ˌ", "")
    patterns = [np.random.default_rng(ord(sound)).normal(size=80) for sound in sounds]
    return np.repeat(patterns, 10, axis=0) + voice


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("utterances")
    rng = np.random.default_rng(0)
    rows = []
    for number, (first, second) in enumerate(product(WORDS, WORDS)):
        text = f"{first} {second}"
        item = Item(f"u{number}", f"s{number % 3}", "valid" if number % 6 == 5 else "train", text=text)
        mel = spoken(text, 0.3 * rng.normal(size=80))
        rows.append((item, {"mel": mel, "lf0": np.zeros(len(mel)), "speech": np.zeros((1, 256))}))
    write_shard(folder / "shard-00000.safetensors", rows, [], "test")
    write_index(folder, [folder / "shard-00000.safetensors"])
    save_file({"mel_mean": torch.zeros(80), "mel_std": torch.ones(80)}, folder / STATISTICS)
    return folder


@pytest.fixture(scope="module")
def checkpoint(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    pl.seed_everything(0, verbose=False)
    run = trainer(folder, 40, enable_checkpointing=False, check_val_every_n_epoch=40)
    run.fit(PhonemeJudgeModule(hidden=64, lr=5e-3), UtteranceDataModule(str(features), batch_size=6))
    assert float(run.callback_metrics["valid/errors"]) < 0.3
    run.save_checkpoint(folder / "judge.ckpt")
    return folder / "judge.ckpt"


def test_it_hears_whether_two_mels_say_the_same(checkpoint: Path) -> None:
    judge = load_phoneme_judge(str(checkpoint))
    rng = np.random.default_rng(1)

    def said(text: str) -> torch.Tensor:
        return torch.from_numpy(spoken(text, 0.3 * rng.normal(size=80))).float().T[None]

    same = judge.difference(said("see two"), said("see two"))
    other = judge.difference(said("see toe"), said("see two"))
    assert same < 0.5 * other
    assert not judge.training and not any(parameter.requires_grad for parameter in judge.parameters())


def test_its_loss_reaches_decoder_and_content_of_a_conversion(checkpoint: Path, tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    stage = StageASpec(judges=JudgesSpec(words=str(checkpoint)))
    module = StageA(tiny_spec(), LossSpec(words=1.0), FAST, stage=stage)
    module.build_heads(4)
    source = data(write_features(tmp_path / "features"))
    source.setup("fit")
    batch = next(iter(source.train_dataloader()))
    losses = module.losses(batch, module.encode_content(batch["mel"]))
    assert 0 < losses.logs["words"] < 2 and len(losses.mels) == 2
    losses.logs["words"].backward()
    touched = {name.split(".")[1] for name, p in module.net.named_parameters(prefix="net") if p.grad is not None}
    assert {"decoder", "speech_adapter"} <= touched
    assert all(p.grad is None for p in module.judges.parameters())


def test_a_later_part_of_stage_a_begins_with_the_weights_of_an_earlier_one(tmp_path: Path) -> None:
    first = StageA(tiny_spec())
    first.build_heads(4)
    torch.save({"state_dict": first.state_dict()}, tmp_path / "a.ckpt")
    second = StageA(tiny_spec(), stage=StageASpec(init=str(tmp_path / "a.ckpt")))
    second.build_heads(4)
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name


def test_clips_without_a_text_are_no_utterances(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no clip has a text"):
        UtteranceDataModule(str(write_features(tmp_path / "features"))).setup("fit")

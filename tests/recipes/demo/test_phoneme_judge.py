"""The recogniser of phonemes: it learns to recognise phonemes, and hears whether two mels say the same."""

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
from recipes.demo.phoneme_judge import PhonemeJudgeModule, load_phoneme_judge
from recipes.demo.utterances import UtteranceDataModule
from tests.training.material import write_features
from tests.training.test_stages import trainer

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


def test_clips_without_a_text_are_no_utterances(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no clip has a text"):
        UtteranceDataModule(str(write_features(tmp_path / "features"))).setup("fit")

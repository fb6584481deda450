"""Whole utterances with the phonemes of their texts, for what learns to recognise speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from idfacevc.data.prepare import read_statistics
from idfacevc.data.sampling import Draw, DrawSampler, check_loading
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError
from idfacevc.text.espeak import phonemes

BLANK = 0  # of CTC
_STRESS = str.maketrans("", "", "ˈˌ")


class UtteranceDataset(Dataset):
    """Each example holds mel (T, M) and phonemes (U,)."""

    def __init__(self, store: FeatureStore, clips: list[int], phonemes: list[Tensor]) -> None:
        self.store, self.clips, self.phonemes = store, clips, phonemes

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        number, _ = draw
        return {"mel": self.store.read(self.clips[number], "mel"), "phonemes": self.phonemes[number]}


class UtteranceDataModule(pl.LightningDataModule):
    """Batches with mel (B, M, T), frames (B,), phonemes (B, U) and sounds (B,), their numbers; padded with zeros.

    Args:
        features: folder written by `idfacevc prepare`; clips without a text are left out.
        batch_size: utterances a step.
        longest: frames of the longest utterances taken.
        seed: Random seed of the order.
    """

    def __init__(self, features: str, batch_size: int = 16, longest: int = 1000, seed: int = 520) -> None:
        super().__init__()
        check_loading(batch_size, seed=seed)
        self.features, self.batch_size, self.longest, self.seed = Path(features), batch_size, longest, seed
        self._sets: dict[str, UtteranceDataset] = {}

    def setup(self, stage: str) -> None:
        if self._sets:
            return
        store = FeatureStore(self.features)
        chosen = [i for i, clip in enumerate(store.clips) if clip.text and 0 < clip.frames <= self.longest]
        if not chosen:
            raise InputError(f"{self.features}: no clip has a text")
        spoken = {text: "" for text in {store.clips[i].text for i in chosen}}
        for text in tqdm(sorted(spoken), desc="phonemes", unit="text", leave=False):
            spoken[text] = phonemes(text.lower()).translate(_STRESS)
        self.alphabet = sorted(set("".join(spoken.values())))
        number = {sound: index for index, sound in enumerate(self.alphabet, start=BLANK + 1)}
        for split in ("train", "valid"):
            clips = [i for i in chosen if store.clips[i].split == split]
            codes = [torch.tensor([number[sound] for sound in spoken[store.clips[i].text]]) for i in clips]
            self._sets[split] = UtteranceDataset(store, clips, codes)

    @property
    def statistics(self) -> dict[str, Tensor]:
        """`mel_mean` and `mel_std` (M,) of the training split."""
        return read_statistics(self.features)

    def train_dataloader(self) -> DataLoader:
        dataset = self._sets["train"]
        return self._loader(dataset, DrawSampler(len(dataset), self.seed))

    def val_dataloader(self) -> DataLoader:
        dataset = self._sets["valid"]
        return self._loader(dataset, [(number, 0) for number in range(len(dataset))])

    def _loader(self, dataset: UtteranceDataset, sampler: Any) -> DataLoader:
        return DataLoader(
            dataset,
            self.batch_size,
            sampler=sampler,
            collate_fn=_padded,
            generator=torch.Generator(),
        )


def _padded(examples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    mels, sounds = [one["mel"] for one in examples], [one["phonemes"] for one in examples]
    return {
        "mel": pad_sequence(mels, batch_first=True).mT,
        "frames": torch.tensor([len(mel) for mel in mels]),
        "phonemes": pad_sequence(sounds, batch_first=True),
        "sounds": torch.tensor([len(sound) for sound in sounds]),
    }

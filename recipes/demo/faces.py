"""Labelled face crops as batches, with the augmentation that makes the tower robust to real photos."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from idfacevc.backbones.tower import AGE_BINS, GENDERS
from idfacevc.data.sampling import check_loading
from recipes.demo.corpora import FaceRow, read_faces


def load_faces(corpora: Path, split: str) -> tuple[Tensor, list[FaceRow]]:
    """All crops of a split, uint8 (B, 3, H, W), and their rows, in the table's order."""
    rows = read_faces(corpora, split)
    with zipfile.ZipFile(corpora / f"faces-{split}.zip") as archive:
        blobs = [archive.open(row.path) for row in rows]

        def decode(blob: object) -> np.ndarray:
            return np.asarray(Image.open(blob).convert("RGB"))  # type: ignore[arg-type]

        with ThreadPoolExecutor() as pool:
            pixels = np.stack(list(pool.map(decode, blobs)))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), rows


def labels(rows: list[FaceRow]) -> tuple[Tensor, Tensor]:
    """Class indices of gender (B,) and age bin (B,), in the order of `GENDERS` and `AGE_BINS`."""
    gender = torch.tensor([GENDERS.index(row.gender) for row in rows])
    age = torch.tensor([AGE_BINS.index(row.age) for row in rows])
    return gender, age


class _Batches(IterableDataset):
    """Shuffled index batches over tensors in memory: no per-item collation."""

    def __init__(self, tensors: list[Tensor], batch_size: int, shuffle: bool) -> None:
        self.tensors = tensors
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        count = len(self.tensors[0])
        return count // self.batch_size if self.shuffle else math.ceil(count / self.batch_size)

    def __iter__(self) -> Iterator[list[Tensor]]:
        count = len(self.tensors[0])
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for index in range(len(self)):
            chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
            yield [tensor[chosen] for tensor in self.tensors]


class FaceDataModule(pl.LightningDataModule):
    """FairFace-style labelled crops held in memory.

    Args:
        corpora: folder with faces-train.tsv, faces-train.zip, faces-valid.tsv and faces-valid.zip.
        batch_size: faces a step.
    """

    def __init__(self, corpora: str, batch_size: int = 128) -> None:
        super().__init__()
        check_loading(batch_size)
        self.corpora = Path(corpora)
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        self._sets = {}
        for split in ("train", "valid"):
            images, rows = load_faces(self.corpora, split)
            self._sets[split] = [images, *labels(rows)]

    def train_dataloader(self) -> DataLoader:
        return DataLoader(_Batches(self._sets["train"], self.batch_size, shuffle=True), batch_size=None)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(_Batches(self._sets["valid"], self.batch_size, shuffle=False), batch_size=None)

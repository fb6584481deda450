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
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from idfacevc.data.corpora import FaceRow, read_faces
from idfacevc.face.tower import AGE_BINS, GENDERS


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


def resize(images: Tensor, size: int) -> Tensor:
    """uint8 (B, 3, H, W) -> float in [0, 1], (B, 3, size, size), antialiased."""
    return F.interpolate(images.float() / 255, (size, size), mode="bilinear", antialias=True, align_corners=False)


def augment(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Random similarity transform, light, colour, blur and low resolution. uint8 (B, 3, H, W) -> (B, 3, size, size)."""
    batch = images.shape[0]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(batch, *shape).uniform_(low, high, generator=generator)

    angle = uniform(-1, 1) * math.radians(15)
    scale = torch.exp(uniform(-0.22, 0.22))
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin, uniform(-0.12, 0.12)], dim=1),
            torch.stack([sin * mirror, cos, uniform(-0.12, 0.12)], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    out = F.grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)

    grey = out.mean(dim=1, keepdim=True)
    saturation = torch.where(uniform(0, 1, 1, 1, 1) < 0.15, torch.zeros(()), uniform(0.6, 1.3, 1, 1, 1))
    out = grey + (out - grey) * saturation
    level = out.mean(dim=(1, 2, 3), keepdim=True)
    out = level + (out - level) * uniform(0.6, 1.4, 1, 1, 1)
    out = (out * uniform(0.9, 1.1, 3, 1, 1) + uniform(-0.18, 0.18, 1, 1, 1)).clamp(0, 1)

    small = int(torch.randint(size // 3, size, (1,), generator=generator))
    coarse = F.interpolate(out, (small, small), mode="area")
    coarse = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=False)
    out = torch.where(uniform(0, 1, 1, 1, 1) < 0.3, coarse, out)
    return out + torch.randn(out.shape, generator=generator) * uniform(0, 0.04, 1, 1, 1)


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

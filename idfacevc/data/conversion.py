"""Training examples from feature shards: fixed-length crops with the speaker features and faces that belong to them."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from idfacevc.audio.pitch import normalise_lf0, pitch_register
from idfacevc.data.prepare import read_statistics
from idfacevc.data.sampling import Draw, DrawSampler, check_loading
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError
from idfacevc.files import read_table


class ConversionDataset(Dataset):
    """Crops of one split.

    Each example holds mel (M, T), lf0 (T,) normalised over its utterance, register (2,) with the mean and deviation of
    the utterance's log-F0, speech (P, D), speaker () (-1 where unknown)
    and, with faces, face (P, D), as well as other_speech and other_face of another speaker's clip. With `sources`, it
    also holds source_mel and source_lf0, a crop of what is to be said in that other speaker's voice.

    Args:
        store: prepared clips.
        clips: indices of the clips that are examples.
        speakers: class of each speaker name.
        crop: frames T; shorter utterances are tiled.
        faces: picks a face for a clip; None leaves faces out.
        training: random crops; otherwise the first frames.
        sources: indices of clips, without faces of their own, that are the source half of the time; else the example
            itself is. None leaves the source out.
    """

    def __init__(
        self,
        store: FeatureStore,
        clips: list[int],
        speakers: dict[str, int],
        crop: int,
        faces: ClipFaces | None,
        training: bool,
        sources: list[int] | None = None,
    ) -> None:
        self.store, self.clips, self.speakers, self.crop = store, clips, speakers, crop
        self.faces, self.training, self.sources = faces, training, sources

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        number, seed = draw
        rng = np.random.default_rng(seed)
        index = self.clips[number]
        speaker = self.store.clips[index].speaker
        raw = self.store.read(index, "lf0").numpy()
        mel, lf0 = self._crop(index, raw, rng)
        example = {
            "mel": mel,
            "lf0": lf0,
            "register": torch.tensor(pitch_register(raw)),
            "speech": self.store.read(index, "speech")[0],
            "speaker": torch.tensor(self.speakers.get(speaker, -1)),
        }
        if self.faces is not None:
            other = self._other(speaker, rng)
            example["face"] = self.faces.tokens(index, rng)
            example["other_face"] = self.faces.tokens(other, rng)
            example["other_speech"] = self.store.read(other, "speech")[0]
        if self.sources is not None:
            if rng.random() < 0.5:
                index = self.sources[int(rng.integers(len(self.sources)))]
                mel, lf0 = self._crop(index, self.store.read(index, "lf0").numpy(), rng)
            example["source_mel"], example["source_lf0"] = mel, lf0
        return example

    def _crop(self, index: int, raw: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Mel and normalised log-F0 of a crop of a clip, of whose whole log-F0 `raw` is."""
        total = self.store.clips[index].frames
        lf0 = torch.from_numpy(normalise_lf0(raw))
        if total < self.crop:
            times = math.ceil(self.crop / total)
            return self.store.read(index, "mel").repeat(times, 1)[: self.crop].T, lf0.repeat(times)[: self.crop]
        start = int(rng.integers(total - self.crop + 1)) if self.training else 0
        return self.store.read(index, "mel", start, start + self.crop).T, lf0[start : start + self.crop]

    def _other(self, speaker: str, rng: np.random.Generator) -> int:
        """A clip of another speaker, uniform over clips (FVMVC redraws until the speaker differs)."""
        while True:
            index = self.clips[int(rng.integers(len(self.clips)))]
            if self.store.clips[index].speaker != speaker:
                return index


class ClipFaces:
    """Faces of clips: the clip itself, or those that a table gives its speaker."""

    def __init__(self, store: FeatureStore, paired: dict[str, list[int]] | None, clips_of: FeatureStore) -> None:
        self.store, self.paired, self.clips_of = store, paired, clips_of

    def tokens(self, index: int, rng: np.random.Generator) -> Tensor:
        """Tokens (P, D) of one view of one face of the clip."""
        if self.paired is not None:
            choices = self.paired[self.clips_of.clips[index].speaker]
            index = choices[int(rng.integers(len(choices)))]
        first, last = self.store.clips[index].rows["face"]
        view = int(rng.integers(last - first))
        return self.store.read(index, "face", view, view + 1)[0]


def read_pairing(table: Path, faces: FeatureStore) -> dict[str, list[int]]:
    """Indices of the faces that a table gives to each speaker.

    Raises:
        InputError: for a table that cannot be read or lacks a column, and a face that the store does not hold.
    """
    number = {clip.id: index for index, clip in enumerate(faces.clips)}
    paired: dict[str, list[int]] = defaultdict(list)
    try:
        for row in read_table(table, "\t")[1]:
            paired[row["speaker"]].append(number[row["face"]])
    except KeyError as error:
        raise InputError(f"{table}: is no table of the columns face and speaker for these faces ({error})") from error
    return dict(paired)


class ConversionDataModule(pl.LightningDataModule):
    """Crops from a folder of feature shards.

    Args:
        features: folder written by `idfacevc prepare`.
        faces: folder of face shards, where clips hold no face of their own; needs `pairing`.
        pairing: TSV with the columns face (an id of `faces`) and speaker: whose faces they stand for.
        with_faces: stage B needs faces, stage A does not.
        unpaired_sources: clips that no face is paired with are sources of inter-speaker conversions (see
            `ConversionDataset`).
        crop_frames: T.
        batch_size: crops a step, in each process.
        epoch_clips: crops an epoch; 0 takes every clip once.
        balance: 0 draws clips evenly, 1 draws speakers evenly.
        seed: Random seed; equal seeds give equal crops in equal order.
        workers: processes that read ahead; 0 reads between the steps.
    """

    def __init__(
        self,
        features: str,
        faces: str = "",
        pairing: str = "",
        with_faces: bool = False,
        unpaired_sources: bool = False,
        crop_frames: int = 128,
        batch_size: int = 256,
        epoch_clips: int = 0,
        balance: float = 0.0,
        seed: int = 520,
        workers: int = 0,
    ) -> None:
        super().__init__()
        check_loading(batch_size, workers, seed)
        if crop_frames < 2 or epoch_clips < 0 or not 0 <= balance <= 1:
            raise InputError("crop_frames must be at least 2, epoch_clips not negative, and balance between 0 and 1")
        self.features, self.faces, self.pairing = Path(features), faces, pairing
        self.with_faces, self.unpaired_sources = with_faces, unpaired_sources
        self.crop_frames, self.batch_size = crop_frames, batch_size
        self.epoch_clips, self.balance, self.seed, self.workers = epoch_clips, balance, seed, workers
        self._ready = False

    def setup(self, stage: str) -> None:
        if self._ready:
            return
        self.store = FeatureStore(self.features)
        train = [i for i, clip in enumerate(self.store.clips) if clip.split == "train" and "mel" in clip.rows]
        valid = [i for i, clip in enumerate(self.store.clips) if clip.split == "valid" and "mel" in clip.rows]
        names = sorted({self.store.clips[i].speaker for i in train} - {""})
        self.speakers = {name: number for number, name in enumerate(names)}
        sources: dict[str, ClipFaces | None] = {"train": None, "valid": None}
        unpaired: list[int] | None = None
        if self.with_faces:
            face_store, paired = self._faces()
            sources = dict.fromkeys(sources, ClipFaces(face_store, paired, self.store))

            def has_face(index: int) -> bool:
                clip = self.store.clips[index]
                return "face" in clip.rows if paired is None else clip.speaker in paired

            if self.unpaired_sources:
                unpaired = [index for index in train if not has_face(index)]
                unpaired = unpaired or train  # all of a corpus of videos
            train = [index for index in train if has_face(index)]
            valid = [index for index in valid if has_face(index)]
        # a validation clip needs a face: where faces are paired with training voices, a part of those is held out
        if self.with_faces and not valid:
            train, valid = [i for n, i in enumerate(train) if n % 20], train[::20]
        if len({self.store.clips[i].speaker for i in train}) < 2:
            raise InputError(f"{self.features}: training needs clips of at least two speakers")
        self._sets = {
            "train": ConversionDataset(
                self.store, train, self.speakers, self.crop_frames, sources["train"], True, unpaired
            ),
            "valid": ConversionDataset(
                self.store, valid, self.speakers, self.crop_frames, sources["valid"], False, unpaired
            ),
        }
        self._weights = self._clip_weights(train) if self.balance else None
        self._ready = True

    def training_clips(self) -> list[int]:
        """The store's indices of the clips that are trained on."""
        return self._sets["train"].clips

    @property
    def statistics(self) -> dict[str, Tensor]:
        """`mel_mean` and `mel_std` (M,) of the training split."""
        return read_statistics(self.features)

    def _faces(self) -> tuple[FeatureStore, dict[str, list[int]] | None]:
        if not self.faces:
            return self.store, None
        store = FeatureStore(self.faces)
        return store, read_pairing(Path(self.pairing), store)

    def _clip_weights(self, clips: list[int]) -> Tensor:
        names = [self.store.clips[index].speaker or f"?{index}" for index in clips]
        counts: dict[str, int] = defaultdict(int)
        for name in names:
            counts[name] += 1
        return torch.tensor([counts[name] ** -self.balance for name in names])

    def train_dataloader(self) -> DataLoader:
        dataset = self._sets["train"]
        place = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        sampler = DrawSampler(len(dataset), self.seed, self._weights, self.epoch_clips, *place)
        return self._loader(dataset, sampler, drop_last=self.epoch_clips > 0)

    def val_dataloader(self) -> DataLoader:
        dataset = self._sets["valid"]
        return self._loader(dataset, [(number, number) for number in range(len(dataset))])

    def _loader(self, dataset: ConversionDataset, sampler: Any, drop_last: bool = False) -> DataLoader:
        return DataLoader(
            dataset,
            self.batch_size,
            sampler=sampler,
            drop_last=drop_last,
            # its own: creating an iterator must not draw from the global random state that a checkpoint keeps
            generator=torch.Generator(),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

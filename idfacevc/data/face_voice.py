"""Pairs of speech and face features out of feature shards, for Speech2Face."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.folder import read_folder
from idfacevc.data.corpora.item import audio_source
from idfacevc.data.sampling import Draw, DrawSampler, check_loading
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError
from idfacevc.models.speech2face.face_side import bins_of, feature_of
from idfacevc.models.speech2face.front_end import MEL, RATE, SECONDS, six_seconds
from idfacevc.models.speech2face.speaker import DIM, SpeakerVoiceEncoder

Array = Literal["mel", "speech"]
_FRAMES = round(SECONDS / MEL.frame_period)
_WINDOWS = 3  # of a speaker encoder at least, in training: about three seconds


class Faces:
    """Face features of clips, in memory: the clips' own, or those of other faces of their gender and age group.

    Args:
        store: shards that hold faces.
        split: whose faces are taken.
        each: faces of which a pair gets the mean; 0 for the clip's own face.
    """

    def __init__(self, store: FeatureStore, split: str, each: int) -> None:
        self.store, self.each = store, each
        self._of: dict[int, Tensor] = {}
        self._groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        if each:
            for index, clip in enumerate(store.clips):
                if clip.split == split and "face" in clip.rows and clip.gender:
                    for age in bins_of(clip.age):
                        self._groups[clip.gender, age].append(index)

    def known(self, index: int, voices: FeatureStore) -> bool:
        """Whether there is a face for a clip of `voices`."""
        clip = voices.clips[index]
        return bool(self._fitting(clip.gender, clip.age)) if self.each else "face" in clip.rows

    def feature(self, index: int, voices: FeatureStore, rng: np.random.Generator) -> Tensor:
        """Feature (D,) for a clip of `voices`."""
        if not self.each:
            views = self._views(index)
            return views[int(rng.integers(len(views)))]
        clip = voices.clips[index]
        choices = self._fitting(clip.gender, clip.age)
        drawn = rng.choice(choices, self.each)
        return torch.stack([self._views(int(one))[0] for one in drawn]).mean(dim=0)

    def _fitting(self, gender: str, age: str) -> list[int]:
        return [index for bin_ in bins_of(age) for index in self._groups[gender, bin_]]

    def _views(self, index: int) -> Tensor:
        if index not in self._of:
            self._of[index] = feature_of(self.store.read(index, "face"))
        return self._of[index]


class FaceVoiceDataset(Dataset):
    """Examples `voice`, six seconds as a log-mel (M, T), a wave (N,) or a speaker's vector (V,), and `face` (D,).

    Args:
        voices: shards of the speech.
        clips: its indices that are examples.
        faces: their faces.
        training: six seconds at a random place, of windows those from a random one on; otherwise the first ones.
        reads: array of the shards, "mel" or "speech".
        audio: recording of each clip's id, for the complex spectrogram; None reads the shards' log-mels.
    """

    def __init__(
        self,
        voices: FeatureStore,
        clips: list[int],
        faces: Faces,
        training: bool,
        reads: Array = "mel",
        audio: dict[str, str] | None = None,
    ) -> None:
        self.voices, self.clips, self.faces = voices, clips, faces
        self.training, self.reads, self.audio = training, reads, audio

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        number, seed = draw
        rng = np.random.default_rng(seed)
        index = self.clips[number]
        read = self._wave if self.audio is not None else self._mel if self.reads == "mel" else self._speaker
        voice = read(index, rng)
        return {"voice": voice, "face": self.faces.feature(index, self.voices, rng)}

    def _speaker(self, index: int, rng: np.random.Generator) -> Tensor:
        heard = self.voices.read(index, "speech").float().flatten(0, 1)
        start = int(rng.integers(max(1, len(heard) - _WINDOWS + 1))) if self.training else 0
        return SpeakerVoiceEncoder.speaker(heard[start:])

    def _wave(self, index: int, rng: np.random.Generator) -> Tensor:
        assert self.audio is not None
        wave = load_audio(audio_source(self.audio[self.voices.clips[index].id]), RATE)
        return six_seconds(torch.from_numpy(np.array(wave))[None])[0]

    def _mel(self, index: int, rng: np.random.Generator) -> Tensor:
        total = self.voices.clips[index].frames
        start = int(rng.integers(max(1, total - _FRAMES + 1))) if self.training else 0
        mel = self.voices.read(index, "mel", start, start + _FRAMES)
        return mel.repeat(-(-_FRAMES // len(mel)), 1)[:_FRAMES].T


class FaceVoiceData(pl.LightningDataModule):
    """Pairs from folders of feature shards.

    Args:
        features: folder written by `idfacevc prepare`; its clips hold speech, and a face where `faces` is not given.
        faces: folder of face shards from which a clip gets faces of its gender and age group; for corpora in which
            nobody has both. A voice without an age gets grown-ups, one without a gender is left out.
        faces_each: of these, the number whose mean is the target of a pair.
        reads: "mel", or "speech" for an encoder of the kind "speaker": vectors of windows, as its `heard` gives them.
        audio: what was given to `idfacevc prepare folder`, for the complex spectrogram, which shards do not hold.
        batch_size: pairs a step.
        epoch_clips: pairs an epoch; 0 takes every clip once.
        balance: 0 draws clips evenly, 1 draws speakers evenly.
        seed: Random seed; equal seeds give equal pairs in equal order.
        workers: processes that read ahead; 0 reads between the steps.
    Raises:
        InputError: for shards of another front end, and folders without a pair.
    """

    def __init__(
        self,
        features: str,
        faces: str = "",
        faces_each: int = 1,
        reads: Array = "mel",
        audio: str = "",
        batch_size: int = 8,
        epoch_clips: int = 0,
        balance: float = 0.0,
        seed: int = 520,
        workers: int = 0,
    ) -> None:
        super().__init__()
        check_loading(batch_size, workers, seed)
        if faces_each < 1 or epoch_clips < 0 or not 0 <= balance <= 1:
            raise InputError("faces_each must be at least 1, epoch_clips not negative, and balance from 0 to 1")
        self.features, self.faces, self.reads, self.audio = Path(features), faces, reads, audio
        self.faces_each = faces_each if faces else 0
        self.batch_size, self.epoch_clips, self.balance = batch_size, epoch_clips, balance
        self.seed, self.workers = seed, workers
        self._sets: dict[str, FaceVoiceDataset] = {}

    def setup(self, stage: str) -> None:
        if self._sets:
            return
        voices = FeatureStore(self.features)
        faces = FeatureStore(self.faces) if self.faces else voices
        audio = {one.id: one.audio for one in read_folder(Path(self.audio))} if self.audio else None
        for split in ("train", "valid"):
            of_split = Faces(faces, split, self.faces_each)
            clips = [
                index
                for index, clip in enumerate(voices.clips)
                if clip.split == split and self.reads in clip.rows and of_split.known(index, voices)
            ]
            self._sets[split] = FaceVoiceDataset(voices, clips, of_split, split == "train", self.reads, audio)
        if not self._sets["train"].clips:
            raise InputError(f"{self.features}: holds no speech of the split train with a face")
        width = voices.read(self._sets["train"].clips[0], self.reads, 0, 1).shape[-1]
        if width != (wanted := MEL.n_mels if self.reads == "mel" else DIM):
            raise InputError(f"{self.features}: its {self.reads} has {width} numbers a row, not {wanted}")
        if audio is not None and (lost := [one for one in self._ids() if one not in audio]):
            raise InputError(f"{self.audio}: does not hold {lost[0]}, which the shards name")

    def _ids(self) -> list[str]:
        return [one.voices.clips[index].id for one in self._sets.values() for index in one.clips]

    def train_dataloader(self) -> DataLoader:
        dataset = self._sets["train"]
        place = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        sampler = DrawSampler(len(dataset), self.seed, self._weights(dataset), self.epoch_clips, *place)
        return self._loader(dataset, sampler, drop_last=len(sampler) > self.batch_size)

    def val_dataloader(self) -> DataLoader:
        dataset = self._sets["valid"]
        return self._loader(dataset, [(number, number) for number in range(len(dataset))])

    def _weights(self, dataset: FaceVoiceDataset) -> Tensor | None:
        if not self.balance:
            return None
        names = [dataset.voices.clips[index].speaker or f"?{index}" for index in dataset.clips]
        counts = {name: names.count(name) for name in set(names)}
        return torch.tensor([counts[name] ** -self.balance for name in names])

    def _loader(self, dataset: FaceVoiceDataset, sampler: Any, drop_last: bool = False) -> DataLoader:
        return DataLoader(
            dataset,
            self.batch_size,
            sampler=sampler,
            drop_last=drop_last,
            generator=torch.Generator(),  # its own, as of `data.conversion`
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

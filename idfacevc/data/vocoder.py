"""Segments of recordings, cut while a vocoder is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.data.corpora.folder import read_folder
from idfacevc.data.corpora.item import Item, audio_source
from idfacevc.data.sampling import DrawSampler, check_loading
from idfacevc.errors import InputError

_STATISTICS_ITEMS = 400
_SCALE_FLOOR = 1e-3

Excite = Callable[[Tensor, int], np.ndarray]


class WaveDataset(Dataset):
    """Segments of `frames` frames of one split, each with the mel of these frames and of `context` more at both sides.

    Each example holds wave and excitation (frames * hop,) and mel (M, frames + 2 context); the mel is the recording's
    own, or the one that an acoustic model wrote for it.

    Args:
        items: recordings.
        front_end: Front end of the mels.
        frames: Length of a segment; shorter recordings are followed by silence.
        context: Frames of context of the generator.
        mels: folder of an acoustic model's mels, `<id>.safetensors`; None takes the recordings' own.
        training: random places; otherwise the middle.
        excite: makes what the generator is given (N,) of a mel (M, N / hop) and a seed; None draws noise.
    """

    def __init__(
        self,
        items: list[Item],
        front_end: FrontEndSpec,
        frames: int,
        context: int,
        mels: Path | None,
        training: bool,
        excite: Excite | None = None,
    ) -> None:
        self.items, self.front_end, self.frames, self.context = items, front_end, frames, context
        self.mels, self.training = mels, training
        self._excite = excite
        self._log_mel = LogMel(front_end)
        self._waves: dict[int, np.ndarray] = {}  # 16 bits a sample: 115 MB an hour at 16 kHz

    def __len__(self) -> int:
        return len(self.items)

    def wave(self, index: int) -> Tensor:
        """The whole recording (N,)."""
        if index not in self._waves:
            wave = load_audio(audio_source(self.items[index].audio), self.front_end.sample_rate)
            self._waves[index] = np.round(wave * 32767).astype(np.int16)
        return torch.from_numpy(self._waves[index].astype(np.float32) / 32767)

    def __getitem__(self, draw: tuple[int, int]) -> dict[str, Tensor]:
        index, seed = draw
        hop, wave = self.front_end.hop_length, self.wave(index)
        wave = F.pad(wave, (0, max(0, self.frames * hop - len(wave))))
        last = len(wave) // hop - self.frames
        start = int(np.random.default_rng(seed).integers(last + 1)) if self.training else last // 2
        segment = wave[start * hop : (start + self.frames) * hop]
        mel = self._mel(index, wave, start)
        return {"wave": segment, "mel": mel, "excitation": self._excitation(mel, seed)}

    def _excitation(self, mel: Tensor, seed: int) -> Tensor:
        """What the generator makes a wave of (frames * hop,)."""
        samples = self.frames * self.front_end.hop_length
        if self._excite is None:
            return torch.randn(samples, generator=torch.Generator().manual_seed(seed))
        before = self.context * self.front_end.hop_length
        return torch.from_numpy(self._excite(mel, seed)[before : before + samples])

    def _mel(self, index: int, wave: Tensor, start: int) -> Tensor:
        """Frames start - context to start + frames + context; those beyond the ends repeat the last there is."""
        first, stop = start - self.context, start + self.frames + self.context
        if self.mels is not None:
            mel = load_file(self.mels / f"{self.items[index].id}.safetensors")["mel"]
            return mel[:, torch.arange(first, stop).clamp(0, mel.shape[1] - 1)]
        hop = self.front_end.hop_length
        margin = self.front_end.n_fft // 2 // hop + 1  # hops that hold half a window
        total = len(wave) // hop
        begin = max(0, first - margin)
        mel = self._log_mel(wave[begin * hop : (stop + margin) * hop][None])[0]
        return mel[:, (torch.arange(first, stop).clamp(0, total) - begin).clamp(max=mel.shape[1] - 1)]


class VocoderDataModule(pl.LightningDataModule):
    """Segments of the recordings of a table.

    Args:
        table: TSV with the columns face (may be empty), audio and speaker, and, optionally, id and split.
        mels: folder of an acoustic model's mels to finetune on; recordings without one are left out.
        frames, valid_frames: Length of a training and of a validation segment.
        batch_size: segments a step.
        epoch_segments: segments an epoch; 0 takes one of each recording.
        workers: processes that load.
        seed: Random seed; equal seeds give equal segments in equal order.
    """

    def __init__(
        self,
        table: str = "",
        mels: str = "",
        frames: int = 100,
        valid_frames: int = 200,
        batch_size: int = 8,
        epoch_segments: int = 0,
        workers: int = 0,
        seed: int = 520,
    ) -> None:
        super().__init__()
        check_loading(batch_size, workers, seed)
        if min(frames, valid_frames) < 1 or epoch_segments < 0:
            raise InputError("frames and valid_frames must be at least 1, and epoch_segments not negative")
        self.table, self.mels = table, mels
        self.frames, self.valid_frames, self.batch_size = frames, valid_frames, batch_size
        self.epoch_segments, self.workers, self.seed = epoch_segments, workers, seed
        self._sets: dict[str, WaveDataset] = {}

    def setup(self, stage: str) -> None:
        if self._sets:
            return
        module: Any = self.trainer.lightning_module  # type: ignore[union-attr]
        folder = Path(self.mels) if self.mels else None
        items = [item for item in self.items() if item.audio]
        if folder is not None:
            items = [item for item in items if (folder / f"{item.id}.safetensors").is_file()]
        train = [item for item in items if item.split == "train"]
        valid = [item for item in items if item.split == "valid"] or train[::20]
        if not train:
            raise InputError("there is no recording to train on: give --data.table TSV")
        for split, chosen, frames in (("train", train, self.frames), ("valid", valid, self.valid_frames)):
            self._sets[split] = WaveDataset(
                chosen, module.front_end, frames, module.generator.spec.context, folder, split == "train", module.excite
            )

    def items(self) -> list[Item]:
        """The recordings, before those without sound or without mels are left out."""
        return read_folder(Path(self.table)) if self.table else []

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation (M,) of the mels of evenly chosen training recordings."""
        data = self._sets["train"]
        step = max(1, len(data) // _STATISTICS_ITEMS)
        log_mel = LogMel(data.front_end)
        mels = torch.cat([log_mel(data.wave(index)[None])[0] for index in range(0, len(data), step)], dim=1).double()
        return mels.mean(dim=1).float(), mels.std(dim=1).clamp_min(_SCALE_FLOOR).float()

    def train_dataloader(self) -> DataLoader:
        data = self._sets["train"]
        sampler = DrawSampler(len(data), self.seed, length=self.epoch_segments)
        return DataLoader(
            data, self.batch_size, sampler=sampler, num_workers=self.workers, drop_last=len(sampler) >= self.batch_size,
            persistent_workers=self.workers > 0, generator=torch.Generator(),
        )  # fmt: skip

    def val_dataloader(self) -> DataLoader:
        data = self._sets["valid"]
        # evenly chosen, so that a few batches are of many speakers
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(self.seed)).tolist()
        return DataLoader(data, self.batch_size, sampler=[(index, 0) for index in order], generator=torch.Generator())

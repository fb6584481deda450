"""Training steps a second beside those of the step that FVMVC and VQMIVC take, on the same network, in one run.

python benchmarks/training.py [--size small|paper] [--batch N] [--steps 20] [--device cpu|cuda] [--workers N]

Re-created of theirs: one .npy file a feature and clip, opened for every example; and six passes of content and speech
encoder a batch, one before each of the five vCLUB steps and one for the main step. All else is this project's stage B
in both, so what differs is the reading of data and the vCLUB steps, and in the last row the precision: theirs is
float32. A share of time waiting is that between two steps. Seconds are the clock's: nothing else should run.
"""

from __future__ import annotations

import argparse
import copy
import math
import tempfile
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from idfacevc.audio.pitch import normalise_lf0, pitch_register
from idfacevc.config.content import VqcpcSpec
from idfacevc.config.decoder import LstmDecoderSpec
from idfacevc.config.face import FaceSpec
from idfacevc.config.face_head import SafpqSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.speech import ClapSafpqSpec
from idfacevc.data.conversion import ConversionDataModule
from idfacevc.data.corpora.item import Item
from idfacevc.data.prepare import STATISTICS
from idfacevc.data.shards import write_index, write_shard
from idfacevc.losses.term import Step
from idfacevc.training.stage_b import StageB

SPEAKERS, FRAMES, CROP = 20, 300, 128
PAPER_CLIPS, PAPER_EPOCHS = 11430, 2000
SMALL = ModelSpec(
    face=FaceSpec(token_dim=64),
    face_head=SafpqSpec(prompts=8, ffn_dim=256),
    speech=ClapSafpqSpec(token_dim=64),
    content=VqcpcSpec(hidden=256),
    decoder=LstmDecoderSpec(pre_lstm=64, conv=64, lstm=64, lstm_layers=1, postnet=64),
)
SIZES = {"small": SMALL, "paper": ModelSpec()}


def write_corpus(folder: Path, spec: ModelSpec, clips: int) -> None:
    """The same random features as shards and as one .npy a feature and clip."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(clips):
        features = {
            "mel": rng.normal(size=(FRAMES, spec.front_end.n_mels)).astype(np.float32),
            "lf0": (5 + 0.2 * rng.normal(size=FRAMES)).astype(np.float32),
            "speech": rng.normal(size=(32, spec.speech.token_dim)).astype(np.float32),
            "face": rng.normal(size=(1, 50, spec.face.token_dim)).astype(np.float32),
        }
        rows.append((Item(f"{number:05d}", f"speaker{number % SPEAKERS}"), features))
        for name, values in features.items():
            (folder / name).mkdir(exist_ok=True)
            np.save(folder / name / f"{number:05d}.npy", values)
    shards = [folder / f"shard-{start:05d}.safetensors" for start in range(0, clips, 64)]
    for number, path in enumerate(shards):
        write_shard(path, rows[64 * number : 64 * number + 64], [], "benchmark")
    write_index(folder, shards)
    bands = spec.front_end.n_mels
    save_file({"mel_mean": torch.zeros(bands), "mel_std": torch.ones(bands)}, folder / STATISTICS)


class FileDataset(Dataset):
    """Their way of reading: whole files, one a feature and clip."""

    def __init__(self, folder: Path, clips: int) -> None:
        self.folder, self.clips = folder, clips

    def __len__(self) -> int:
        return self.clips

    def _load(self, feature: str, number: int) -> Any:
        return np.load(self.folder / feature / f"{number:05d}.npy")

    def __getitem__(self, number: int) -> dict[str, Any]:
        mel, lf0 = self._load("mel", number), self._load("lf0", number)
        start = np.random.randint(len(mel) - CROP + 1)  # noqa: NPY002
        other = number
        while other % SPEAKERS == number % SPEAKERS:
            other = np.random.randint(self.clips)  # noqa: NPY002
        return {
            "mel": mel.T[:, start : start + CROP].copy(),
            "lf0": normalise_lf0(lf0)[start : start + CROP],
            "register": pitch_register(lf0),
            "speech": self._load("speech", number),
            "speaker": number % SPEAKERS,
            "face": self._load("face", number)[0],
            "other_face": self._load("face", other)[0],
            "other_speech": self._load("speech", other),
        }


class SixPasses(StageB):
    """Their vCLUB steps: content and speech are encoded anew before each of them."""

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        self._batch = batch
        super().training_step(batch, batch_index)

    def _fit_inner(self, term: Any, optimizer: Any, step: Step) -> None:
        mel = self.net.normalise_mel(self._batch["mel"])
        for _ in range(term.iters):
            term_of_one = copy.copy(term)
            term_of_one.iters = 1
            z, identity = self.net.content(mel).z_q, self.net.speech_voice(self._batch["speech"]).identity
            super()._fit_inner(term_of_one, optimizer, replace(step, z=z, speech_identity=identity))


@dataclass
class Stopwatch(pl.Callback):
    """Seconds within and between steps, after `skip` steps."""

    skip: int
    inside: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)
    _last: float = 0.0

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, batch_index: int) -> None:
        now = self._now()
        self.between.append(now - self._last)
        self._last = now

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, batch_index: int) -> None:
        now = self._now()
        self.inside.append(now - self._last)
        self._last = now

    def result(self) -> tuple[float, float]:
        """Steps a second, and the share of time between steps."""
        inside, between = sum(self.inside[self.skip :]), sum(self.between[self.skip :])
        return len(self.inside[self.skip :]) / (inside + between), between / (inside + between)


def measure(module: StageB, data: Any, steps: int, device: str, precision: str) -> tuple[float, float, float]:
    """Steps a second, share of time waiting, and peak GPU memory in GB (0 on the CPU)."""
    module.build(SPEAKERS)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    skip = max(2, steps // 10)
    watch = Stopwatch(skip)
    trainer = pl.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu", devices=1, max_epochs=-1, limit_val_batches=0, logger=False,
        max_steps=(steps + skip) * (module.losses["mutual_information"].iters + 1), precision=precision,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, callbacks=[watch],
    )  # fmt: skip
    trainer.fit(module, **data)
    return *watch.result(), torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cuda = torch.cuda.is_available()
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if cuda else "cpu")
    parser.add_argument("--size", choices=sorted(SIZES), default="paper" if cuda else "small")
    parser.add_argument("--batch", type=int, default=256 if cuda else 32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--clips", type=int, default=0, help="default: four batches")
    parser.add_argument("--workers", type=int, default=8 if cuda else 0, help="processes that read ahead, in both")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    spec, clips = SIZES[args.size], args.clips or 4 * args.batch
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder), spec, clips)
        theirs = DataLoader(
            FileDataset(Path(folder), clips), args.batch, shuffle=True, num_workers=args.workers,
            persistent_workers=args.workers > 0,
        )  # fmt: skip
        ours = ConversionDataModule(
            folder, with_faces=True, crop_frames=CROP, batch_size=args.batch, workers=args.workers
        )
        print(f"{args.device}, {args.size} network, batches of {args.batch}, {args.workers} reading processes")
        rates = []
        for name, stage, data, precision in (
            ("as FVMVC and VQMIVC", SixPasses, {"train_dataloaders": theirs}, "32-true"),
            ("this project", StageB, {"datamodule": ours}, "32-true"),
            ("this project, bf16-mixed", StageB, {"datamodule": ours}, "bf16-mixed"),
        ):
            rate, waiting, memory = measure(stage(spec), data, args.steps, args.device, precision)
            rates.append(rate)
            hours = PAPER_EPOCHS * math.ceil(PAPER_CLIPS / args.batch) / rate / 3600
            held = f", {memory:.1f} GB" if memory else ""
            print(f"{name}: {rate:.2f} steps/s, {waiting:.0%} of the time between steps{held}, "
                  f"{hours:.0f} h for {PAPER_EPOCHS} epochs of {PAPER_CLIPS} clips, "
                  f"ratio {rate / rates[0]:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()

"""Checkpoints that are complete or absent under their name, whatever happens while they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from idfacevc.errors import InputError
from idfacevc.files import replacing
from idfacevc.training.resume import read_checkpoint

_NEEDED = {"epoch", "global_step", "loops", "optimizer_states", "pytorch-lightning_version"}


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the file and renames: a kill or a full disk leaves the checkpoint of before. Unpickles nothing.

    Raises:
        InputError: where a checkpoint cannot be written or read.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        try:
            with replacing(Path(path)) as temporary:
                torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:  # torch's own writer raises RuntimeError for a full disk
            raise InputError(
                f"{path}: the checkpoint cannot be written ({' '.join(str(error).split())[:120]}); the one before it "
                "stays: make room and run the same command again"
            ) from error

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        state = read_checkpoint(str(path))
        if absent := sorted(_NEEDED - state.keys()):
            raise InputError(f"{path}: no training can go on from it, it lacks {', '.join(absent)}")
        return state


def keep_checkpoints(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a training whose `trainer.default_root_dir` gets `last.ckpt` after each epoch, and a CSV log.

    A logger or a ModelCheckpoint with `save_last` of the configuration's own takes the place of that default.
    """
    trainer = dict(settings.get("trainer") or {})
    folder = trainer.get("default_root_dir")
    if not folder:
        return settings
    if "logger" not in trainer:
        log = {"save_dir": ".", "name": str(folder)}
        trainer["logger"] = {"class_path": "pytorch_lightning.loggers.CSVLogger", "init_args": log}
    callbacks = list(trainer.get("callbacks") or [])
    if not any((one.get("init_args") or {}).get("save_last") for one in callbacks):
        keep = {
            "dirpath": str(folder),
            "filename": Path(folder).name,
            "save_last": True,
            "every_n_epochs": 1,
            "save_on_train_epoch_end": True,
            "enable_version_counter": False,
        }
        callbacks.insert(0, {"class_path": "pytorch_lightning.callbacks.ModelCheckpoint", "init_args": keep})
    return {**settings, "trainer": {**trainer, "callbacks": callbacks}}

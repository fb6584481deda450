"""What every stage shares: a scheduled rate, and checkpoints after which a run goes on as if it had not stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.errors import InputError
from idfacevc.training.schedule import OptimSpec, learning_rate, warmup_epochs

# plain values come first: of a configuration file, `config.reader` says better than Lightning what is wrong
ModelValues = dict[str, Any] | ModelSpec


class ResumableModule(pl.LightningModule):
    """Base of the stages.

    Args:
        model: Sizes of the network, or their plain values; they go into the checkpoint.
        optim: Adam and its schedule.
    """

    def __init__(self, model: ModelValues, optim: OptimSpec) -> None:
        super().__init__()
        self.spec = model if isinstance(model, ModelSpec) else from_dict(ModelSpec, model, "model")
        self.optim = optim

    def check_features(self, source: Any) -> None:
        """Refuse features (`ConversionDataModule`) that were prepared for another network.

        Raises:
            InputError: where mel bands, speaker features or face tokens have another width than the configuration's.
        """
        index = source.training_clips()[0]
        widths = {
            "mel": self.spec.front_end.n_mels,
            "speech": self.spec.speech.token_dim,
            "face": self.spec.face.token_dim,
        }
        for array, wanted in widths.items():
            if array in source.store.clips[index].rows:
                found = source.store.read(index, array, 0, 1).shape[-1]
                if found != wanted:
                    raise InputError(
                        f"{source.features}: its {array} features are {found} wide, not {wanted} as configured; "
                        "prepare them with the configuration that is trained"
                    )

    def set_rate(self, optimizer: Any, batch_index: int) -> None:
        """Give the optimiser the rate that belongs to this batch; a group's `scale` multiplies it."""
        batches = self.trainer.num_training_batches
        warmup = warmup_epochs(self.optim, int(batches), 1)
        epoch = self.current_epoch + (batch_index / batches if self.optim.schedule == "cosine" else 0.0)
        rate = learning_rate(epoch, self.optim, warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the sizes and the random state: what a later run needs to go on with the same losses."""
        checkpoint["model_spec"] = to_dict(self.spec)
        checkpoint["rng"] = torch.get_rng_state()
        if torch.cuda.is_available():
            checkpoint["cuda_rng"] = torch.cuda.get_rng_state_all()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._rng = checkpoint["rng"], checkpoint.get("cuda_rng")

    def on_train_epoch_start(self) -> None:
        rng, cuda = getattr(self, "_rng", (None, None))
        if rng is not None:
            torch.set_rng_state(rng.cpu())
            if cuda is not None and torch.cuda.is_available():
                torch.cuda.set_rng_state_all([state.cpu() for state in cuda])
            self._rng = (None, None)


def read_checkpoint(path: str) -> dict[str, Any]:
    """The content of a Lightning checkpoint; nothing of it is executed.

    Raises:
        InputError: where there is none, or it is damaged.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such checkpoint; train the stage that writes it first")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load and pickle raise whatever they meet in a foreign file
        raise InputError(f"{path}: is damaged or no training checkpoint") from error
    if not isinstance(state, dict) or not isinstance(state.get("state_dict"), dict):
        raise InputError(f"{path}: is no training checkpoint")
    return state


def weights_under(checkpoint: dict[str, Any], prefix: str) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint whose names begin with `prefix`, without it."""
    weights = checkpoint["state_dict"]
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}

"""What the judges of mels share: statistics of the mels, an optimiser, and how a trained one is read."""

from __future__ import annotations

from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from idfacevc.training.resume import read_checkpoint, weights_under

J = TypeVar("J", bound=nn.Module)


class JudgeModule(pl.LightningModule):
    """Base of the trainings: `self.judge` is the network, `hparams` are its sizes and `lr`, the peak rate."""

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.register_buffer("mel_mean", torch.zeros(n_mels))
        self.register_buffer("mel_std", torch.ones(n_mels))

    def take_statistics(self, statistics: dict[str, Tensor]) -> None:
        """Normalise mels by the mean and the deviation of the training's."""
        for name, value in statistics.items():
            getattr(self, name).copy_(value)

    def normalise_mel(self, mel: Tensor) -> Tensor:
        """Log-mel (B, M, T) to zero mean and unit deviation per band."""
        return (mel.float() - self.mel_mean[:, None]) / (self.mel_std[:, None] + 1e-8)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams["lr"], weight_decay=0.01)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.hparams["lr"], total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def load_judge(cls: type[J], checkpoint: str, *sizes: str) -> J:
    """The frozen judge of a checkpoint.

    Args:
        cls: Class of the judge.
        sizes: Names of its arguments among the training's.
    """
    state = read_checkpoint(checkpoint)
    judge = cls(**{name: state["hyper_parameters"][name] for name in sizes})
    judge.load_state_dict(weights_under(state, "judge."))
    return judge.eval().requires_grad_(False)

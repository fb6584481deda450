"""Training of the demo's face tower on gender and age labels."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.backbones.tower import AGE_BINS, FaceTower
from idfacevc.config.face import TowerSpec
from idfacevc.config.reader import to_dict
from idfacevc.face.augment import augment, resize

_ADULT_FROM = AGE_BINS.index("20-29")
_ADULT_TO = AGE_BINS.index("50-59")


class FaceTowerModule(pl.LightningModule):
    """Cross-entropy on gender and age bin with label smoothing; AdamW with a one-cycle rate.

    Args:
        tower: Sizes of the tower.
        lr: Peak learning rate.
        weight_decay: Weight decay of AdamW.
        label_smoothing: Label smoothing of both cross-entropies.
    """

    def __init__(
        self,
        tower: TowerSpec = TowerSpec(),  # noqa: B008
        lr: float = 3e-3,
        weight_decay: float = 0.05,
        label_smoothing: float = 0.05,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore="tower")
        self.tower = FaceTower(tower).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["tower_spec"] = to_dict(self.tower.spec)

    def training_step(self, batch: list[Tensor], batch_index: int) -> Tensor:
        pixels, gender, age = batch
        # seeded by the step, so that a resumed run sees the pictures that the killed one would have seen
        generator = torch.Generator().manual_seed(self.global_step)
        images = augment(pixels, self.tower.image_size, generator)
        loss, _ = self._losses(images, gender, age, self.hparams["label_smoothing"])
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_index: int) -> None:
        pixels, gender, age = batch
        images = resize(pixels, self.tower.image_size)
        loss, (gender_logits, age_logits) = self._losses(images, gender, age, 0.0)
        right = (gender_logits.argmax(1) == gender).float()
        adults = (age >= _ADULT_FROM) & (age <= _ADULT_TO)
        if adults.any():
            self.log("valid/gender_20_59", right[adults].mean(), batch_size=int(adults.sum()), prog_bar=True)
        self.log("valid/gender", right.mean(), batch_size=len(age), prog_bar=True)
        self.log("valid/age", (age_logits.argmax(1) == age).float().mean(), batch_size=len(age), prog_bar=True)
        self.log("valid/loss", loss, batch_size=len(age))

    def _losses(
        self, images: Tensor, gender: Tensor, age: Tensor, smoothing: float
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        tokens = self.tower(images.contiguous(memory_format=torch.channels_last))
        gender_logits, age_logits = (logits.float() for logits in self.tower.attributes(tokens))
        loss = F.cross_entropy(gender_logits, gender, label_smoothing=smoothing) + F.cross_entropy(
            age_logits, age, label_smoothing=smoothing
        )
        return loss, (gender_logits, age_logits)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.hparams["lr"], weight_decay=self.hparams["weight_decay"]
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.hparams["lr"], total_steps=int(self.trainer.estimated_stepping_batches), pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

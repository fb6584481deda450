"""The last stage of FaceVC and of Face2Speech: only what leads from a face to a voice learns."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.losses.ge2e import supervised_ge2e
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.training.module import Batch
from idfacevc.training.resume import ModelValues, ResumableModule, read_checkpoint, weights_under
from idfacevc.training.schedule import OptimSpec

_FACE, _MAPPING = ("face_head.", "face_adapter."), ("memory.",)


class FaceStage(ResumableModule):
    """Bring the voice of a face to the voice of the same clip's speech; neither content nor decoder take part.

    Args:
        model: sizes of the network.
        init: checkpoint of the stage that taught everything but the face's way.
        init_face: checkpoint whose face head is taken and stays as it is (FaceVC: that of the first stage); empty
            trains the head as well.
        loss: "mse" between the two voices (FaceVC), or "sge2e", the supervised GE2E loss (Face2Speech).
        optim: Adam and its schedule.
    """

    def __init__(
        self,
        model: ModelValues,
        init: str,
        init_face: str = "",
        loss: Literal["mse", "sge2e"] = "mse",
        optim: OptimSpec = OptimSpec(),  # noqa: B008
    ) -> None:
        super().__init__(model, optim)
        self.loss = loss
        self.net = IDFaceVCNet(self.spec)
        self._learning = _MAPPING if init_face else _FACE + _MAPPING
        state = _network(init)
        self.net.load_state_dict({k: v for k, v in state.items() if not k.startswith(_FACE + _MAPPING)}, strict=False)
        if init_face:
            state = _network(init_face)
            self.net.load_state_dict({k: v for k, v in state.items() if k.startswith(_FACE)}, strict=False)
        for name, parameter in self.net.named_parameters():
            parameter.requires_grad_(name.startswith(self._learning))

    def on_fit_start(self) -> None:
        self.check_features(self.trainer.datamodule)  # type: ignore[attr-defined]

    def train(self, mode: bool = True) -> FaceStage:
        """What does not learn stays in evaluation mode: its batch statistics and its samples are final."""
        super().train(False)
        for name, module in self.net.named_children():
            if f"{name}." in self._learning:
                module.train(mode)
        self.training = mode
        return self

    def error(self, batch: Batch) -> Tensor:
        """How far the voices of faces (B, P, D) are from those of their clips' speech."""
        face = self.net.face_voice(batch["face"]).voice
        with torch.no_grad():
            speech = self.net.speech_voice(batch["speech"]).voice
        return F.mse_loss(face, speech) if self.loss == "mse" else supervised_ge2e(face, speech, batch["speaker"])

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        self.set_rate(self.optimizers(), batch_index)
        loss = self.error(batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        self.log("valid/loss", self.error(batch), batch_size=len(batch["face"]), sync_dist=True, prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        learning = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        return torch.optim.Adam([{"params": learning, "scale": 1.0}], lr=self.optim.lr_init)


def _network(checkpoint: str) -> dict[str, Tensor]:
    return weights_under(read_checkpoint(checkpoint), "net.")

"""What stages A and B share: one forward pass, the vCLUB inner steps, the main step (method of arXiv 2409.00700)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.mel import random_equaliser, warp_mel_axis
from idfacevc.config import ModelSpec, to_dict
from idfacevc.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from idfacevc.losses.club import VClub
from idfacevc.losses.cpc import CPC
from idfacevc.models.content import Quantized
from idfacevc.models.discriminator import PatchDiscriminator
from idfacevc.models.idfacevc import IDFaceVCNet
from idfacevc.models.pitch import register_loss
from idfacevc.training.schedule import OptimSpec, learning_rate, warmup_epochs

Batch = dict[str, Tensor]
_DISCRIMINATOR_LR = 2e-4


@dataclass(frozen=True)
class FaceVoiceLossSpec:
    """Weights inside L_F (FVMVC's values)."""

    recall: float = 1.0
    address: float = 10.0
    inter: float = 0.2


@dataclass(frozen=True)
class LossSpec:
    """Weights of Eq. 8 with the paper's values, and of the content encoder's own losses (OPEN 14)."""

    rec_l2: float = 1.0
    rec_l1: float = 0.0
    con: float = 0.1
    mi: float = 0.01
    id_face: float = 0.1
    id_speech: float = 0.1
    fv: float = 1.0
    fv_parts: FaceVoiceLossSpec = field(default_factory=FaceVoiceLossSpec)
    vq: float = 1.0
    cpc: float = 1.0
    rec_speech: float = 0.0
    voice: float = 0.0
    register: float = 0.1
    adversarial: float = 0.0
    feature_matching: float = 0.0
    tau: float = 0.07


@dataclass(frozen=True)
class MISpec:
    """vCLUB: `iters` steps of its own Adam before each main step (VQMIVC)."""

    estimator: Literal["vclub_full", "sampled"] = "vclub_full"
    hidden: int = 512
    lr: float = 3e-4
    iters: int = 5


@dataclass(frozen=True)
class PerturbSpec:
    """Perturbation of the content encoder's input in training, which hides the speaker from it; zeros leave it out.

    Attributes:
        warp: the mel axis is stretched by exp(U(-warp, warp)).
        equaliser: deviation of a smooth random gain, in normalised mel units.
    """

    warp: float = 0.0
    equaliser: float = 0.0


class Losses(NamedTuple):
    """What a stage computes of a batch.

    Attributes:
        total: () without the vCLUB and the adversarial terms.
        logs: the terms to log.
        speaker: F_spk (B, D).
        mels: decoded normalised mels (B, M, T), the first of which is a reconstruction.
    """

    total: Tensor
    logs: dict[str, Tensor]
    speaker: Tensor
    mels: list[Tensor]


class ConversionModule(pl.LightningModule):
    """Base of the stages; a stage says what its losses are.

    Args:
        model: sizes of the network.
        loss, optim, mi, perturb: see their classes.
        speakers: classes of the identity heads; 0 reads the number from the datamodule.
    """

    def __init__(
        self,
        model: ModelSpec,
        loss: LossSpec = LossSpec(),
        optim: OptimSpec = OptimSpec(),  # noqa: B008
        mi: MISpec = MISpec(),
        perturb: PerturbSpec = PerturbSpec(),
        speakers: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.spec, self.loss, self.optim, self.mi, self.perturb = model, loss, optim, mi, perturb
        self.speakers = speakers
        self.net = IDFaceVCNet(model)
        self.cpc = CPC(model.content)
        self.club = VClub(model.face_head.dim, model.content.dim, mi.hidden, mi.estimator)
        self.discriminator = PatchDiscriminator() if loss.adversarial else None
        self._built = False

    # -- set-up ------------------------------------------------------------------------------------------------------

    def configure_model(self) -> None:
        """Build what depends on the data: the identity heads and the mel statistics."""
        if self._built:
            return
        datamodule = getattr(self.trainer, "datamodule", None)
        if datamodule is not None:
            datamodule.setup("fit")
            self.speakers = self.speakers or len(datamodule.speakers)
            for name, value in datamodule.statistics.items():
                getattr(self.net, name).copy_(value)
        self.build_heads(max(1, self.speakers))
        self._built = True

    def build_heads(self, speakers: int) -> None:
        """Linear identity classifiers (Eq. 5, OPEN 7)."""
        self.speech_classifier = nn.Linear(self.spec.face_head.dim, speakers)

    def main_parameters(self) -> list[dict[str, Any]]:
        """Parameter groups of the main optimiser; `scale` multiplies the scheduled rate."""
        return [{"params": [parameter for _, parameter in self.own_parameters()], "scale": 1.0}]

    def own_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and values of what the main step trains: all but the two helpers that have optimisers of their own."""
        for name, parameter in self.named_parameters():
            if parameter.requires_grad and not name.startswith(("club.", "discriminator.")):
                yield name, parameter

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        main = torch.optim.Adam(self.main_parameters(), lr=self.optim.lr_init)
        helpers = [torch.optim.Adam(self.club.parameters(), lr=self.mi.lr)]
        if self.discriminator is not None:
            helpers.append(torch.optim.Adam(self.discriminator.parameters(), lr=_DISCRIMINATOR_LR, betas=(0.5, 0.9)))
        return [main, *helpers]

    # -- one step ----------------------------------------------------------------------------------------------------

    def losses(self, batch: Batch, content: Quantized) -> Losses:
        """What the stage is to learn from a batch with normalised mels."""
        raise NotImplementedError

    def encode_content(self, mel: Tensor) -> Quantized:
        """Content of a normalised mel (B, M, T), perturbed in training mode."""
        if self.training:
            if self.perturb.warp:
                factor = torch.exp(torch.empty(len(mel), device=mel.device).uniform_(-1, 1) * self.perturb.warp)
                mel = warp_mel_axis(mel, factor)
            if self.perturb.equaliser:
                mel = mel + random_equaliser(mel, self.perturb.equaliser)
        return self.net.content(mel)

    def training_step(self, batch: Batch, batch_index: int) -> None:
        optimizers: Any = self.optimizers()
        main, mi = optimizers[:2]
        self._set_rate(main, batch_index)
        batch = {**batch, "mel": self.net.normalise(batch["mel"])}

        # One forward pass serves the inner vCLUB steps (detached) and the main step; its codebook update happens once.
        content = self.encode_content(batch["mel"])
        total, logs, speaker, mels = self.losses(batch, content)
        if self.loss.mi:
            self._fit_club(mi, speaker.detach().float(), content.z_q.detach().float())
        if self.discriminator is not None:
            self._fit_discriminator(optimizers[2], batch["mel"], mels, logs)

        self.toggle_optimizer(main)  # the helpers' parameters get no gradient, what they judge does
        if self.loss.mi:
            logs["mi"] = self._bound(speaker, content.z_q)
            total = total + self.loss.mi * logs["mi"]
        if self.discriminator is not None:
            total = total + self._adversarial_loss(batch["mel"], mels, logs)
        main.zero_grad()
        self.manual_backward(total)
        self.clip_gradients(main, self.optim.clip, "norm")
        main.step()
        self.untoggle_optimizer(main)

        logs["total"] = total
        self.log_dict({f"train/{name}": value.detach() for name, value in logs.items()}, batch_size=len(speaker))
        self.log("loss", logs.get("rec", total).detach(), prog_bar=True, logger=False)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        batch = {**batch, "mel": self.net.normalise(batch["mel"])}
        content = self.encode_content(batch["mel"])
        _, logs, speaker, _ = self.losses(batch, content)
        logs["mi"] = self._bound(speaker, content.z_q)
        self.log_dict({f"valid/{name}": value for name, value in logs.items()}, batch_size=len(speaker))

    def content_losses(self, content: Quantized, logs: dict[str, Tensor]) -> Tensor:
        """Weighted commitment and CPC losses (method: OPEN 14)."""
        cpc = self.cpc(content.z_q)
        logs.update(vq=content.loss, cpc=cpc.loss, cpc_accuracy=cpc.accuracy.mean(), perplexity=content.perplexity)
        return self.loss.vq * content.loss + self.loss.cpc * cpc.loss

    def register_loss(self, voice: Tensor, register: Tensor, logs: dict[str, Tensor]) -> Tensor:
        """Weighted error of the register (B, 2) that is read off a voice (B, D); 0 where pitch has no register."""
        predicted = self.net.pitch.register_of(voice)
        if predicted is None:
            return voice.new_zeros(())
        logs["register"] = register_loss(predicted, register)
        return self.loss.register * logs["register"]

    def _fit_club(self, optimizer: Any, speaker: Tensor, content: Tensor) -> None:
        self.toggle_optimizer(optimizer)
        with torch.autocast(self.device.type, enabled=False):
            for _ in range(self.mi.iters):
                optimizer.zero_grad()
                self.manual_backward(-self.club.log_likelihood(speaker, content))
                optimizer.step()
        self.untoggle_optimizer(optimizer)

    def _bound(self, speaker: Tensor, content: Tensor) -> Tensor:
        with torch.autocast(self.device.type, enabled=False):
            return self.club.estimate(speaker.float(), content.float())

    def _fit_discriminator(self, optimizer: Any, real: Tensor, made: list[Tensor], logs: dict[str, Tensor]) -> None:
        assert self.discriminator is not None
        self.toggle_optimizer(optimizer)
        real = real[..., : made[0].shape[-1]]
        scores = self.discriminator(real)[-1], self.discriminator(torch.cat([mel.detach() for mel in made]))[-1]
        of_real, of_made = discriminator_loss(*scores)
        logs["discriminator"] = 0.5 * (of_real + of_made)
        optimizer.zero_grad()
        self.manual_backward(logs["discriminator"])
        optimizer.step()
        self.untoggle_optimizer(optimizer)

    def _adversarial_loss(self, real: Tensor, made: list[Tensor], logs: dict[str, Tensor]) -> Tensor:
        """Weighted adversarial term of all decoded mels and feature matching of the reconstruction."""
        assert self.discriminator is not None
        with torch.no_grad():
            wanted = self.discriminator(real[..., : made[0].shape[-1]])
        maps = self.discriminator(torch.cat(made))
        logs["adversarial"] = 0.5 * generator_loss(maps[-1])
        logs["feature_matching"] = feature_matching_loss(wanted[:-1], [one[: len(real)] for one in maps[:-1]])
        return self.loss.adversarial * logs["adversarial"] + self.loss.feature_matching * logs["feature_matching"]

    def _set_rate(self, optimizer: Any, batch_index: int) -> None:
        batches = self.trainer.num_training_batches
        warmup = warmup_epochs(self.optim, int(batches), 1)
        epoch = self.current_epoch + (batch_index / batches if self.optim.schedule == "cosine" else 0.0)
        rate = learning_rate(epoch, self.optim, warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]

    # -- checkpoints -------------------------------------------------------------------------------------------------

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


def identity_loss(logits: Tensor, speaker: Tensor) -> Tensor:
    """Cross-entropy over the clips whose speaker is known (speaker >= 0); 0 where none is (Eq. 5)."""
    known = speaker >= 0
    if not known.any():
        return logits.sum() * 0
    return F.cross_entropy(logits[known].float(), speaker[known])

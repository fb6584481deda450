"""What stages A and B share: one forward pass, the vCLUB inner steps, the main step (method of arXiv 2409.00700)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from idfacevc.audio.mel import random_equaliser, warp_mel_axis
from idfacevc.config.model import ModelSpec
from idfacevc.errors import InputError
from idfacevc.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from idfacevc.losses.club import VClub
from idfacevc.losses.cpc import CPC
from idfacevc.models.idfacevc.content import Quantized
from idfacevc.models.idfacevc.discriminator import MultiscaleDiscriminator
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.models.idfacevc.pitch import register_loss
from idfacevc.nn import distributed
from idfacevc.training.resume import ResumableModule, read_checkpoint
from idfacevc.training.schedule import OptimSpec

Batch = dict[str, Tensor]
_HELPERS = ("club.", "discriminator.")


@dataclass(frozen=True)
class FaceVoiceLossSpec:
    """Weights inside L_F (FVMVC's values)."""

    recall: float = 1.0
    address: float = 10.0
    inter: float = 0.2


@dataclass(frozen=True)
class LossSpec:
    """Weights of Eq. 8 with the paper's values, and of the content encoder's own losses (OPEN 14).

    Attributes:
        register: of the pitch register's head.
        code_l1: of the codes of the decoded mel against those of the recording (AutoVC).
        ge2e: among the face identities of a batch (FaceVC, first stage).
        tau: temperature of the contrastive loss.
        gather: negatives of the contrastive loss and of the vCLUB bound come from the batches of all processes that
            train together, as if they were one; otherwise from a process's own.
    """

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
    register: float = 0.1
    code_l1: float = 0.0
    ge2e: float = 0.0
    adversarial: float = 0.0
    feature_matching: float = 0.0
    tau: float = 0.07
    gather: bool = False


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


@dataclass(frozen=True)
class AdversarySpec:
    """SP-FaceVC's discriminator of whole mels at three scales, which the loss weight `adversarial` turns on.

    Attributes:
        blocks: doublings of the channels.
        label: what a recording is to score; 0.9 in SP-FaceVC.
        noise: height of the uniform noise on all that it sees; 1 in SP-FaceVC.
        lr: of its own Adam.
    """

    blocks: int = 4
    label: float = 1.0
    noise: float = 0.0
    lr: float = 2e-4


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


class ConversionModule(ResumableModule):
    """Base of the stages; a stage says what its losses are.

    Args:
        model: sizes of the network.
        loss, optim, mi, perturb, adversary: see their classes.
        speakers: classes of the identity heads; 0 reads the number from the datamodule.
    """

    def __init__(
        self,
        model: ModelSpec,
        loss: LossSpec = LossSpec(),
        optim: OptimSpec = OptimSpec(),  # noqa: B008
        mi: MISpec = MISpec(),
        perturb: PerturbSpec = PerturbSpec(),
        adversary: AdversarySpec = AdversarySpec(),
        speakers: int = 0,
    ) -> None:
        super().__init__(model, optim)
        self.automatic_optimization = False
        self.loss, self.mi, self.perturb, self.adversary = loss, mi, perturb, adversary
        self.speakers = speakers
        self.net = IDFaceVCNet(model)
        self.cpc = CPC(model.content)
        self.club = VClub(model.face_head.dim, model.content.dim, mi.hidden, mi.estimator)
        self.discriminator = (
            MultiscaleDiscriminator(model.front_end.n_mels, blocks=adversary.blocks) if loss.adversarial else None
        )
        if loss.code_l1 and model.content.kind == "vqcpc":
            raise InputError("loss.code_l1 compares the codes of a bottleneck: content.kind is vqcpc")
        self._built = False
        # The helpers take small steps of their own, and average their own gradients: past DDP's reducer, which would
        # send the gradients of the whole network round for each of them.
        helpers = [name for name in self.state_dict() if name.startswith(_HELPERS)]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(self, helpers)

    # -- set-up ------------------------------------------------------------------------------------------------------

    def configure_model(self) -> None:
        """Build what depends on the data: the identity heads and the mel statistics."""
        if self._built:
            return
        datamodule = getattr(self.trainer, "datamodule", None)
        if datamodule is not None:
            datamodule.setup("fit")
            self.check_features(datamodule)
            self.speakers = self.speakers or len(datamodule.speakers)
            for name, value in datamodule.statistics.items():
                getattr(self.net, name).copy_(value)
        self.build_heads(max(1, self.speakers))
        self._built = True

    def build_heads(self, speakers: int) -> None:
        """Linear identity classifiers (Eq. 5, OPEN 7)."""
        self.speech_classifier = nn.Linear(self.spec.face_head.dim, speakers)

    def take_weights(self, checkpoint: str, leave: tuple[str, ...] = ()) -> None:
        """Begin with the weights of another stage's checkpoint that fit, but for names that start with `leave`."""
        state, own = read_checkpoint(checkpoint)["state_dict"], self.state_dict()
        taken = {
            name: value
            for name, value in state.items()
            if name in own and own[name].shape == value.shape and not name.startswith(leave)
        }
        self.load_state_dict(taken, strict=False)

    def main_parameters(self) -> list[dict[str, Any]]:
        """Parameter groups of the main optimiser; `scale` multiplies the scheduled rate."""
        return [{"params": [parameter for _, parameter in self.own_parameters()], "scale": 1.0}]

    def own_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and values of what the main step trains: all but the two helpers that have optimisers of their own."""
        for name, parameter in self.named_parameters():
            if parameter.requires_grad and not name.startswith(_HELPERS):
                yield name, parameter

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        main = torch.optim.Adam(self.main_parameters(), lr=self.optim.lr_init)
        helpers = [torch.optim.Adam(self.club.parameters(), lr=self.mi.lr, fused=True)]
        if self.discriminator is not None:
            helpers.append(torch.optim.Adam(self.discriminator.parameters(), lr=self.adversary.lr, betas=(0.5, 0.9)))
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
        self.set_rate(main, batch_index)
        batch = {**batch, "mel": self.net.normalise(batch["mel"])}

        # One forward pass serves the inner vCLUB steps (detached) and the main step; its codebook update happens once.
        content = self.encode_content(batch["mel"])
        total, logs, speaker, mels = self.losses(batch, content)
        independence = self.loss.mi and (speaker.requires_grad or content.z_q.requires_grad)
        if independence:
            self._fit_club(mi, speaker.detach().float(), content.z_q.detach().float())
        if self.discriminator is not None:
            self._fit_discriminator(optimizers[2], batch["mel"], mels, logs)

        self.toggle_optimizer(main)  # the helpers' parameters get no gradient, what they judge does
        if independence:
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
        self.log_dict({f"valid/{name}": value for name, value in logs.items()}, batch_size=len(speaker), sync_dist=True)

    def content_losses(self, content: Quantized, logs: dict[str, Tensor]) -> Tensor:
        """Weighted commitment and CPC losses (method: OPEN 14)."""
        logs.update(vq=content.loss, perplexity=content.perplexity)
        total = self.loss.vq * content.loss
        if self.loss.cpc:
            cpc = self.cpc(content.z_q)
            logs.update(cpc=cpc.loss, cpc_accuracy=cpc.accuracy.mean())
            total = total + self.loss.cpc * cpc.loss
        return total

    def code_loss(self, decoded: Tensor, content: Quantized, logs: dict[str, Tensor]) -> Tensor:
        """Weighted difference of the codes that a decoded mel (B, M, T) has from those it was made of (AutoVC)."""
        if not self.loss.code_l1:
            return decoded.new_zeros(())
        logs["code_l1"] = F.l1_loss(self.net.content(decoded).z_q, content.z_q)
        return self.loss.code_l1 * logs["code_l1"]

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
                self._helper_step(optimizer, self.club, -self.club.log_likelihood(speaker, content))
        self.untoggle_optimizer(optimizer)

    def _helper_step(self, optimizer: Any, helper: nn.Module, loss: Tensor) -> None:
        """One step of a helper's own optimiser, with its gradients averaged over the processes."""
        optimizer.zero_grad()
        self.trainer.precision_plugin.pre_backward(loss, self).backward()
        distributed.average_gradients(helper.parameters())
        optimizer.step()

    def _bound(self, speaker: Tensor, content: Tensor) -> Tensor:
        with torch.autocast(self.device.type, enabled=False):
            return self.club.estimate(self.joint(speaker.float()), self.joint(content.float()))

    def joint(self, batch: Tensor) -> Tensor:
        """The batch (B, ...) that negatives are drawn from: all processes' with `loss.gather`."""
        return distributed.gather(batch) if self.loss.gather else batch

    def _judge(self, mel: Tensor) -> list[Tensor]:
        assert self.discriminator is not None
        return self.discriminator(mel + self.adversary.noise * torch.rand_like(mel) if self.adversary.noise else mel)

    def _fit_discriminator(self, optimizer: Any, real: Tensor, made: list[Tensor], logs: dict[str, Tensor]) -> None:
        assert self.discriminator is not None
        self.toggle_optimizer(optimizer)
        real = real[..., : made[0].shape[-1]]
        scores = self._judge(real)[-1], self._judge(torch.cat([mel.detach() for mel in made]))[-1]
        of_real, of_made = discriminator_loss(*scores, self.adversary.label)
        logs["discriminator"] = 0.5 * (of_real + of_made)
        self._helper_step(optimizer, self.discriminator, logs["discriminator"])
        self.untoggle_optimizer(optimizer)

    def _adversarial_loss(self, real: Tensor, made: list[Tensor], logs: dict[str, Tensor]) -> Tensor:
        """Weighted adversarial term of all decoded mels and feature matching of the reconstruction."""
        assert self.discriminator is not None
        with torch.no_grad():
            wanted = self._judge(real[..., : made[0].shape[-1]])
        maps = self._judge(torch.cat(made))
        logs["adversarial"] = 0.5 * generator_loss(maps[-1], self.adversary.label)
        logs["feature_matching"] = feature_matching_loss(wanted[:-1], [one[: len(real)] for one in maps[:-1]])
        return self.loss.adversarial * logs["adversarial"] + self.loss.feature_matching * logs["feature_matching"]

    def on_fit_start(self) -> None:
        """Helpers start alike in all processes; DDP sees to the rest."""
        for name, tensor in self.state_dict().items():
            if name.startswith(_HELPERS):
                distributed.share_(tensor)


def identity_loss(logits: Tensor, speaker: Tensor) -> Tensor:
    """Cross-entropy over the clips whose speaker is known (speaker >= 0); 0 where none is (Eq. 5)."""
    known = speaker >= 0
    if not known.any():
        return logits.sum() * 0
    return F.cross_entropy(logits[known].float(), speaker[known])

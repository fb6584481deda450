"""What stages A and B share: one forward pass, the inner steps of losses with networks of their own, the main step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from idfacevc.audio.mel import random_equaliser, warp_mel_axis
from idfacevc.errors import InputError
from idfacevc.losses.registry import Losses, build_losses
from idfacevc.losses.term import LossTerm, Step
from idfacevc.models.idfacevc.content import Quantized
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.nn import distributed
from idfacevc.training.resume import ModelValues, ResumableModule, read_checkpoint
from idfacevc.training.schedule import OptimSpec

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class PerturbSpec:
    """Perturbation of the content encoder's input in training, which hides the speaker from it; zeros leave it out.

    Attributes:
        warp: The mel axis is stretched by exp(U(-warp, warp)).
        equaliser: Deviation of a smooth random gain, in normalised mel units.
    """

    warp: float = 0.0
    equaliser: float = 0.0


class ConversionModule(ResumableModule):
    """Base of the stages. A stage makes a `Step` of a batch, and its losses read it.

    Args:
        model: Sizes of the network.
        losses: Losses by name, with their options (`losses.registry`). What is absent is off.
        optim: Adam and its schedule.
        perturb: Perturbation of the content encoder's input.
        speakers: Classes of the identity losses; 0 reads the number from the datamodule.
    """

    def __init__(
        self, model: ModelValues, losses: Losses, optim: OptimSpec, perturb: PerturbSpec, speakers: int = 0
    ) -> None:
        super().__init__(model, optim)
        self.automatic_optimization = False
        self.perturb, self.speakers = perturb, speakers
        self.net = IDFaceVCNet(self.spec)
        self.losses = build_losses(losses)
        self._built = False

    # -- set-up ------------------------------------------------------------------------------------------------------

    def configure_model(self) -> None:
        """Build what depends on the data: the losses' parameters and the mel statistics."""
        if self._built:
            return
        datamodule = getattr(self.trainer, "datamodule", None)
        if datamodule is not None:
            datamodule.setup("fit")
            self.check_features(datamodule)
            self.speakers = self.speakers or len(datamodule.speakers)
            for name, value in datamodule.statistics.items():
                getattr(self.net, name).copy_(value)
        self.build(max(1, self.speakers))

    def build(self, speakers: int) -> None:
        """Make the losses' parameters, for a number of training speakers."""
        for _, term in self.terms():
            term.build(self.spec, speakers)
        # Inner networks take small steps of their own, and average their own gradients: past DDP's reducer, which would
        # send the gradients of the whole network round for each of them.
        inner = [name for name in self.state_dict() if name.startswith(self._inner_prefixes())]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(self, inner)
        self._built = True

    def terms(self) -> Iterator[tuple[str, LossTerm]]:
        """Names and terms of the loss, in the configuration's order."""
        return cast(Iterator[tuple[str, LossTerm]], iter(self.losses.items()))

    def reads(self, *fields: str) -> bool:
        """Whether any loss reads one of these fields of a `Step`."""
        return any(field in term.reads for _, term in self.terms() for field in fields)

    def _inner_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of parameters that an inner optimiser trains."""
        inner = [name for name, term in self.terms() if type(term).inner_optimizer is not LossTerm.inner_optimizer]
        return tuple(f"losses.{name}." for name in inner)

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
        """Names and values of what the main step trains: all but the losses' inner networks."""
        inner = self._inner_prefixes()
        for name, parameter in self.named_parameters():
            if parameter.requires_grad and not name.startswith(inner):
                yield name, parameter

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        main = torch.optim.Adam(self.main_parameters(), lr=self.optim.lr_init)
        inner = [term.inner_optimizer() for _, term in self.terms()]
        return [main, *(optimizer for optimizer in inner if optimizer is not None)]

    # -- one step ----------------------------------------------------------------------------------------------------

    def make_step(self, batch: Batch, content: Quantized) -> Step:
        """The stage's forward pass of a batch with normalised mels."""
        raise NotImplementedError

    def total_loss(self, step: Step) -> Tensor:
        """Weighted sum () of the losses, each of which also goes into the step's logs.

        Raises:
            InputError: where a loss reads what the stage does not make.
        """
        total = step.mel.new_zeros(())
        for name, term in self.terms():
            if missing := [field for field in term.reads if getattr(step, field) is None]:
                raise InputError(
                    f"losses.{name} reads {', '.join(missing)}, which {type(self).__name__} does not make here"
                )
            step.logs[name] = term(step)
            total = total + term.weight * step.logs[name]
        return total

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
        main, *inner = optimizers if isinstance(optimizers, list) else [optimizers]
        self.set_rate(main, batch_index)
        batch = {**batch, "mel": self.net.normalise_mel(batch["mel"])}

        # One forward pass serves the inner steps (detached) and the main step; its codebook update happens once.
        step = self.make_step(batch, self.encode_content(batch["mel"]))
        with_inner = [term for name, term in self.terms() if f"losses.{name}." in self._inner_prefixes()]
        for term, optimizer in zip(with_inner, inner, strict=True):
            self._fit_inner(term, optimizer, step)

        self.toggle_optimizer(main)  # inner networks get no gradient here, what they judge does
        total = self.total_loss(step)
        main.zero_grad()
        self.manual_backward(total)
        self.clip_gradients(main, self.optim.clip, "norm")
        main.step()
        self.untoggle_optimizer(main)

        logs = {**step.logs, "total": total}
        self.log_dict({f"train/{name}": value.detach() for name, value in logs.items()}, batch_size=len(step.mel))
        self.log("loss", logs.get("reconstruction", total).detach(), prog_bar=True, logger=False)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        batch = {**batch, "mel": self.net.normalise_mel(batch["mel"])}
        step = self.make_step(batch, self.encode_content(batch["mel"]))
        self.total_loss(step)
        logs = {f"valid/{name}": value for name, value in step.logs.items()}
        self.log_dict(logs, batch_size=len(step.mel), sync_dist=True)

    def _fit_inner(self, term: LossTerm, optimizer: Any, step: Step) -> None:
        """Steps of a loss's own network, with its gradients averaged over the processes."""
        self.toggle_optimizer(optimizer)
        for loss in term.inner_losses(step):
            optimizer.zero_grad()
            self.trainer.precision_plugin.pre_backward(loss, self).backward()
            distributed.average_gradients(term.parameters())
            optimizer.step()
        self.untoggle_optimizer(optimizer)

    def on_fit_start(self) -> None:
        """Inner networks start alike in all processes; DDP sees to the rest."""
        for name, tensor in self.state_dict().items():
            if name.startswith(self._inner_prefixes()):
                distributed.share_(tensor)

"""Training of Parallel WaveGAN (arXiv 1910.11480, section 3): spectral distances, then a discriminator as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from idfacevc.bundles.vocoder import VocoderBundleSpec, read_vocoder, save_vocoder
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.config.vocoder import DiscriminatorSpec, GeneratorSpec, MelStatistics, ParallelWaveGANSpec
from idfacevc.data.vocoder import Excite
from idfacevc.errors import InputError
from idfacevc.losses.adversarial import discriminator_loss, generator_loss
from idfacevc.losses.stft import MultiResolutionSTFTLoss
from idfacevc.training.resume import read_checkpoint, weights_under
from idfacevc.vocoders.base import check_front_ends
from idfacevc.vocoders.griffin_lim import GriffinLim
from idfacevc.vocoders.parallel_wavegan.discriminator import Discriminator
from idfacevc.vocoders.parallel_wavegan.generator import Generator


@dataclass(frozen=True)
class WaveGanOptimSpec:
    """RAdam for both networks, rates multiplied by `gamma` every `step_size` steps; defaults of the package's recipes.

    Attributes:
        generator_lr, discriminator_lr: initial rates.
        generator_clip, discriminator_clip: gradient norms.
        adversarial_from: step at which the discriminator comes in.
        adversarial: weight of its judgement, lambda_adv of Eq. 9.
        offset: weight of the mean of what is made, which is one or two of the many bins of the spectral distances.
    """

    generator_lr: float = 1e-4
    discriminator_lr: float = 5e-5
    eps: float = 1e-6
    step_size: int = 200_000
    gamma: float = 0.5
    generator_clip: float = 10.0
    discriminator_clip: float = 1.0
    adversarial_from: int = 100_000
    adversarial: float = 4.0
    offset: float = 0.0


class VocoderModule(pl.LightningModule):
    """Generator and discriminator on segments of `data.waves.VocoderDataModule`.

    Args:
        front_end: Front end of the mels.
        generator, discriminator: Sizes of the two networks.
        optim: rates and when the discriminator comes in.
        init: folder of a vocoder whose generator and statistics the training starts from; its sizes are `generator`.
    """

    mel_mean: Tensor
    mel_scale: Tensor

    def __init__(
        self,
        front_end: FrontEndSpec = FrontEndSpec(),  # noqa: B008 (frozen)
        generator: GeneratorSpec = GeneratorSpec(),  # noqa: B008
        discriminator: DiscriminatorSpec = DiscriminatorSpec(),  # noqa: B008
        optim: WaveGanOptimSpec = WaveGanOptimSpec(),
        init: str = "",
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.front_end, self.optim = front_end, optim
        self.steps = 0
        self.generator = Generator(generator, front_end.n_mels, weight_norm=not init)
        # without it the data draws noise
        self.excite: Excite | None = GriffinLim(front_end) if self.generator.refines else None
        self.discriminator = Discriminator(discriminator)
        self.stft_loss = MultiResolutionSTFTLoss()
        self.register_buffer("mel_mean", torch.zeros(front_end.n_mels))
        self.register_buffer("mel_scale", torch.zeros(front_end.n_mels))  # zero until it is known
        if init:
            self._start_from(init)

    def _start_from(self, folder: str) -> None:
        spec, trained = read_vocoder(folder)
        check_front_ends(self.front_end, spec.front_end)
        if spec.kind != "parallel_wavegan" or spec.generator != self.generator.spec:
            raise InputError(f"{folder}: its generator has other sizes than the one to be trained")
        self.generator.load_state_dict(trained.state_dict())
        self.generator.apply_weight_norm()
        self.mel_mean.copy_(torch.tensor(spec.statistics.mean))
        self.mel_scale.copy_(torch.tensor(spec.statistics.scale))

    def on_fit_start(self) -> None:
        if not self.mel_scale.any():
            mean, scale = self.trainer.datamodule.statistics()  # type: ignore[attr-defined]
            self.mel_mean.copy_(mean)
            self.mel_scale.copy_(scale)

    def forward(self, mel: Tensor, excitation: Tensor) -> Tensor:
        """Log-mel (B, M, T + 2 context) and excitation (B, 1, T * hop) to waves (B, 1, T * hop)."""
        return self.generator(excitation, (mel - self.mel_mean[:, None]) / self.mel_scale[:, None])

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        optimizers: Any = self.optimizers()
        schedules: Any = self.lr_schedulers()
        real = batch["wave"][:, None]
        made = self(batch["mel"], batch["excitation"][:, None])
        convergence, magnitude = self.stft_loss(made[:, 0], real[:, 0])
        offset = made.mean(dim=2).abs().mean()
        loss = convergence + magnitude + self.optim.offset * offset
        logs = {"convergence": convergence, "magnitude": magnitude, "offset": offset}
        adversarial = self.steps >= self.optim.adversarial_from
        if adversarial:
            self.discriminator.requires_grad_(False)
            logs["adversarial"] = generator_loss(self.discriminator(made))
            self.discriminator.requires_grad_(True)
            loss = loss + self.optim.adversarial * logs["adversarial"]
        self._update(optimizers[0], loss, self.optim.generator_clip)
        if adversarial:
            judged = self.discriminator(real), self.discriminator(made.detach())
            logs["real"], logs["made"] = discriminator_loss(*judged)
            self._update(optimizers[1], logs["real"] + logs["made"], self.optim.discriminator_clip)
        for schedule in schedules[: 1 + adversarial]:
            schedule.step()
        self.steps += 1
        self.log_dict({f"train/{name}": value.detach() for name, value in logs.items()})
        self.log("step", float(self.steps), prog_bar=True)

    def _update(self, optimizer: Any, loss: Tensor, clip: float) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(optimizer, clip, "norm")
        optimizer.step()

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        made = self.copy_synthesis(batch)
        convergence, magnitude = self.stft_loss(made, batch["wave"])
        logs = {"convergence": convergence, "magnitude": magnitude, "stft": convergence + magnitude}
        self.log_dict({f"valid/{name}": value for name, value in logs.items()}, batch_size=len(made))
        self.log("step", float(self.steps))

    def copy_synthesis(self, batch: dict[str, Tensor]) -> Tensor:
        """The waves (B, N) of a batch's mels."""
        return self(batch["mel"], batch["excitation"][:, None])[:, 0].float()

    def configure_optimizers(self) -> Any:
        spec = self.optim
        optimizers = [
            torch.optim.RAdam(self.generator.parameters(), lr=spec.generator_lr, eps=spec.eps),
            torch.optim.RAdam(self.discriminator.parameters(), lr=spec.discriminator_lr, eps=spec.eps),
        ]
        return optimizers, [torch.optim.lr_scheduler.StepLR(one, spec.step_size, spec.gamma) for one in optimizers]

    @property
    def vocoder_spec(self) -> ParallelWaveGANSpec:
        """The vocoder that this training makes."""
        statistics = MelStatistics(tuple(self.mel_mean.tolist()), tuple(self.mel_scale.tolist()))
        return ParallelWaveGANSpec(front_end=self.front_end, generator=self.generator.spec, statistics=statistics)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["vocoder"] = {"spec": to_dict(self.vocoder_spec), "steps": self.steps}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.steps = checkpoint["vocoder"]["steps"]


def export_vocoder(checkpoint: Path, out: Path) -> int:
    """The generator of a training's checkpoint as a vocoder's folder; returns the steps of the training.

    Raises:
        InputError: for a file that is no such checkpoint.
    """
    state = read_checkpoint(str(checkpoint))
    if "vocoder" not in state:
        raise InputError(f"{checkpoint}: is no checkpoint of a vocoder's training")
    spec, steps = from_dict(ParallelWaveGANSpec, state["vocoder"]["spec"]), int(state["vocoder"]["steps"])
    generator = Generator(spec.generator, spec.front_end.n_mels)
    generator.load_state_dict(weights_under(state, "generator."))
    save_vocoder(out, VocoderBundleSpec(out.name, spec, steps=steps), generator)
    return steps

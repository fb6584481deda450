"""Least-squares adversarial losses (Mao et al. 2017; arXiv 1910.11480, Eqs. 2 and 3) and feature matching."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.config.model import ModelSpec
from idfacevc.losses.term import LossTerm, Step
from idfacevc.nn.mel_discriminator import MultiscaleDiscriminator


def generator_loss(made: Tensor, target: float = 1.0) -> Tensor:
    """Mean squared distance of the scores of what was made, of any shape, from what a recording is to score."""
    return (made.float() - target).square().mean()


def discriminator_loss(real: Tensor, made: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """The same distance of the scores of recordings, and that of the scores of what was made from 0."""
    return (real.float() - target).square().mean(), made.float().square().mean()


def feature_matching_loss(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """Mean absolute difference of a discriminator's maps, averaged over layers; `real` counts as constant."""
    pairs = zip(real, made, strict=True)
    return torch.stack([F.l1_loss(ours.float(), theirs.detach().float()) for theirs, ours in pairs]).mean()


class AdversarialLoss(LossTerm):
    """Least-squares adversary of decoded mels, with SP-FaceVC's discriminator, noise and labels.

    Args:
        weight: Factor of the term.
        feature_matching: Factor, within the term, of the feature matching of reconstructions.
        blocks: Doublings of the discriminator's channels.
        label: Score that recordings are to get.
        noise: Height of the uniform noise added to all that the discriminator sees.
        lr: Rate of the discriminator's own Adam.
    """

    reads = ("post",)

    def __init__(
        self,
        weight: float = 1.0,
        feature_matching: float = 0.1,
        blocks: int = 4,
        label: float = 0.9,
        noise: float = 1.0,
        lr: float = 4e-4,
    ) -> None:
        super().__init__(weight)
        self.feature_matching, self.blocks, self.label, self.noise, self.lr = feature_matching, blocks, label, noise, lr

    def build(self, model: ModelSpec, speakers: int) -> None:
        self.discriminator = MultiscaleDiscriminator(model.front_end.n_mels, blocks=self.blocks)

    def inner_optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.discriminator.parameters(), lr=self.lr, betas=(0.5, 0.9))

    def inner_losses(self, step: Step) -> Iterator[Tensor]:
        scores = self._judge(_recordings(step))[-1], self._judge(_decoded(step).detach())[-1]
        of_recordings, of_decoded = discriminator_loss(*scores, self.label)
        step.logs["discriminator"] = 0.5 * (of_recordings + of_decoded)
        yield step.logs["discriminator"]

    def forward(self, step: Step) -> Tensor:
        with torch.no_grad():
            wanted = self._judge(_recordings(step))
        maps = self._judge(_decoded(step))
        matching = feature_matching_loss(wanted[:-1], [one[: len(step.mel)] for one in maps[:-1]])
        step.logs["feature_matching"] = matching
        return 0.5 * generator_loss(maps[-1], self.label) + self.feature_matching * matching

    def _judge(self, mel: Tensor) -> list[Tensor]:
        return self.discriminator(mel + self.noise * torch.rand_like(mel) if self.noise else mel)


def _recordings(step: Step) -> Tensor:
    return step.mel[..., : step.post.shape[-1]]


def _decoded(step: Step) -> Tensor:
    """The reconstructions (B, M, T), and after them all conversions."""
    others = [one.mel for one in step.conversions or [] if one.mel is not step.post]
    return torch.cat([step.post, *others])

"""vCLUB: an upper bound of the mutual information between speaker and content (Eq. 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from idfacevc.config.model import ModelSpec
from idfacevc.losses.term import LossTerm, Step
from idfacevc.nn import distributed


class VClub(nn.Module):
    """Variational q(F_con | F_spk): a diagonal Gaussian for an utterance's content frames, given its speaker vector.

    Fit it with `log_likelihood` on detached inputs, then minimise `estimate` with its parameters held fixed.

    Args:
        speaker_dim, content_dim: Widths of F_spk and of a content frame.
        hidden: Twice the width of its layers, as VQMIVC counts it.
        estimator: "vclub_full" is Eq. 6 over all pairs, "sampled" one random permutation (OPEN 15).
    """

    def __init__(
        self,
        speaker_dim: int,
        content_dim: int,
        hidden: int = 512,
        estimator: Literal["vclub_full", "sampled"] = "vclub_full",
    ) -> None:
        super().__init__()
        self.estimator = estimator

        def mlp() -> list[nn.Module]:
            half = hidden // 2
            return [
                nn.Linear(speaker_dim, half), nn.ReLU(), nn.Linear(half, half), nn.ReLU(),
                nn.Linear(half, half), nn.ReLU(), nn.Linear(half, content_dim),
            ]  # fmt: skip

        self.mean = nn.Sequential(*mlp())
        self.log_variance = nn.Sequential(*mlp(), nn.Tanh())

    def log_likelihood(self, speaker: Tensor, content: Tensor) -> Tensor:
        """Mean log q over all frames, without its constant. speaker (B, D), content (B, L, C) -> ()."""
        mean, log_variance = self.mean(speaker)[:, None], self.log_variance(speaker)[:, None]
        return (-((mean - content) ** 2) / log_variance.exp() - log_variance).sum(dim=-1).mean() / 2

    def estimate(self, speaker: Tensor, content: Tensor) -> Tensor:
        """The bound in nats; it may be negative on a batch. speaker (B, D), content (B, L, C) -> ()."""
        mean, precision = self.mean(speaker), (-self.log_variance(speaker)).exp()
        positive = ((mean[:, None] - content) ** 2).mean(dim=1)
        if self.estimator == "sampled":
            order = torch.randperm(len(content), device=content.device)
            negative = ((mean[:, None] - content[order]) ** 2).mean(dim=1)
        else:
            # the mean over all utterances and frames of (mean - y)^2 needs the first two moments of y alone
            first, second = content.mean(dim=(0, 1)), (content**2).mean(dim=(0, 1))
            negative = mean**2 - 2 * mean * first + second
        return ((negative - positive) * precision).sum(dim=-1).mean() / 2


class MutualInformationLoss(LossTerm):
    """L_MI of Eq. 6 between F_spk and F_con; `iters` steps of q's own Adam come before each main step (VQMIVC).

    Args:
        weight: Factor of the term, lambda_2 of Eq. 8.
        estimator, hidden: As in `VClub`.
        lr: Rate of q's Adam.
        iters: Steps of q a batch.
        gather: The other utterances come from the batches of all processes that train together.
    """

    reads = ("speech_identity", "z")

    def __init__(
        self,
        weight: float = 0.01,
        estimator: Literal["vclub_full", "sampled"] = "vclub_full",
        hidden: int = 512,
        lr: float = 3e-4,
        iters: int = 5,
        gather: bool = False,
    ) -> None:
        super().__init__(weight)
        self.estimator, self.hidden, self.lr, self.iters, self.gather = estimator, hidden, lr, iters, gather

    def build(self, model: ModelSpec, speakers: int) -> None:
        self.club = VClub(model.face_head.dim, model.content.dim, self.hidden, self.estimator)

    def inner_optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.club.parameters(), lr=self.lr, fused=True)

    def inner_losses(self, step: Step) -> Iterator[Tensor]:
        if not (step.speech_identity.requires_grad or step.z.requires_grad):
            return  # both sides are frozen: nothing could follow the bound
        with torch.autocast(step.z.device.type, enabled=False):
            speaker, content = step.speech_identity.detach().float(), step.z.detach().float()
            for _ in range(self.iters):
                yield -self.club.log_likelihood(speaker, content)

    def forward(self, step: Step) -> Tensor:
        with torch.autocast(step.z.device.type, enabled=False):
            speaker, content = step.speech_identity.float(), step.z.float()
            if self.gather:
                speaker, content = distributed.gather(speaker), distributed.gather(content)
            return self.club.estimate(speaker, content)

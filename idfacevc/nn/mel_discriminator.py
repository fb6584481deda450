"""Discriminators of mels: a training can ask whether a decoded mel looks like a recording's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class MultiscaleDiscriminator(nn.Module):
    """SP-FaceVC's: one-dimensional convolutions that double the channels, on the mel and on coarser ones.

    A score is the mean over time of a linear layer on each frame, so that crops may have any length.

    Args:
        n_mels: bands of the mel, which are the channels of the first layer.
        scales: the mel itself, and how many times it is averaged over three frames and halved.
        blocks: doublings of the channels, two convolutions each.

    Shape: mel (B, M, T) -> feature maps of every block of every scale; the last (B, scales) holds the scores.
    """

    def __init__(self, n_mels: int, scales: int = 3, blocks: int = 4) -> None:
        super().__init__()
        self.stacks = nn.ModuleList(
            nn.ModuleList(_doubling(n_mels * 2**i) for i in range(blocks)) for _ in range(scales)
        )
        self.scores = nn.ModuleList(nn.Linear(n_mels * 2**blocks, 1) for _ in range(scales))

    def forward(self, mel: Tensor) -> list[Tensor]:
        maps, scores = [], []
        for stack, score in zip(self.stacks, self.scores, strict=True):
            hidden = mel
            for block in stack:  # type: ignore[attr-defined]
                hidden = block(hidden)
                maps.append(hidden)
            scores.append(score(hidden.mean(dim=2)))
            mel = F.avg_pool1d(mel, 3, 2, 1)
        return [*maps, torch.cat(scores, dim=1)]


def _doubling(channels: int) -> nn.Sequential:
    return nn.Sequential(
        spectral_norm(nn.Conv1d(channels, 2 * channels, 3, padding=1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv1d(2 * channels, 2 * channels, 3, padding=1)),
        nn.LeakyReLU(0.2),
    )

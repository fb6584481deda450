"""Which clips an epoch takes, in which order."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DistributedSampler

from idfacevc.errors import InputError

Draw = tuple[int, int]


def check_loading(batch_size: int, workers: int = 0, seed: int = 0) -> None:
    """`InputError` for a batch without examples, a negative number of processes, and a seed beyond 32 bits."""
    if batch_size < 1:
        raise InputError(f"batch_size {batch_size} is out of range; a batch holds at least one example")
    if workers < 0:
        raise InputError(f"workers {workers} is out of range; 0 reads between the steps")
    if not 0 <= seed < 2**32:
        raise InputError(f"seed {seed} is out of range; it goes from 0 to {2**32 - 1}")


class DrawSampler(DistributedSampler):
    """(clip, seed) pairs that depend on the epoch alone: a resumed run sees what the killed one would have seen.

    Processes that train together draw the same list and take every n-th of it each, so that their batches make up the
    batch that one process would have; the list is continued from its start until all have equally many. It is a
    `DistributedSampler` because Lightning leaves those as they are.

    Args:
        weights: (n,) chance of each clip; None takes every clip once an epoch.
        length: draws an epoch, of all processes together; 0 takes the number of clips.
        rank, processes: Number of the process that draws, and of how many.
    """

    def __init__(
        self, clips: int, seed: int, weights: Tensor | None = None, length: int = 0, rank: int = 0, processes: int = 1
    ) -> None:
        super().__init__(range(length or clips), processes, rank, shuffle=False)  # type: ignore[arg-type]
        self.clips, self.draw_seed, self.weights = clips, seed, weights
        self.draws = length or clips

    def __iter__(self) -> Iterator[Draw]:
        generator = torch.Generator().manual_seed(self.draw_seed * 1_000_003 + self.epoch)
        if self.weights is not None:
            order = torch.multinomial(self.weights, self.draws, replacement=True, generator=generator)
        else:
            rounds = math.ceil(self.draws / self.clips)
            order = torch.cat([torch.randperm(self.clips, generator=generator) for _ in range(rounds)])[: self.draws]
        seeds = torch.randint(2**62, (self.draws,), generator=generator)
        draws = list(zip(order.tolist(), seeds.tolist(), strict=True))
        return iter([draws[i % self.draws] for i in range(self.rank, self.total_size, self.num_replicas)])

"""The unit of work of a preparation, whatever engine runs it: one block of items becomes one shard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from idfacevc.data.corpora.item import Item
from idfacevc.data.features import FeatureExtractor, FeatureSpec
from idfacevc.data.shards import write_shard


@dataclass(frozen=True)
class ShardJob:
    """A shard to be made: its file, its items, and the fingerprint of what it is made from."""

    path: Path
    items: tuple[Item, ...]
    key: str


class ShardMaker:
    """Makes shards, one after the other; build one in each process.

    It keeps to one thread: the processes fill the cores, and sums over several threads would depend on their number.
    """

    def __init__(self, spec: FeatureSpec, device: str) -> None:
        torch.set_num_threads(1)
        self._extract = FeatureExtractor(spec, device)

    def __call__(self, job: ShardJob, progress: Callable[[], object] = lambda: None) -> int:
        """Write the job's shard; returns the number of its items. `progress` is called after each."""
        clips, rejected = self._extract(job.items, progress)
        write_shard(job.path, clips, rejected, job.key)
        return len(job.items)

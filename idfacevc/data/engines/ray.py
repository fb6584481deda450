"""The engine of a cluster: Ray Data. It makes the same shards, bit for bit, as the engine of one machine."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idfacevc.cluster import cluster, input_error_of
from idfacevc.config.reader import to_dict
from idfacevc.data.corpora.item import Item
from idfacevc.data.engines.job import ShardJob, ShardMaker
from idfacevc.data.features import FeatureSpec
from idfacevc.errors import InputError


def run(
    jobs: Sequence[ShardJob], spec: FeatureSpec, workers: int, device: str, advance: Callable[[int], object]
) -> None:
    """Make all shards.

    Joins the Ray that runs in this process or that RAY_ADDRESS names; else one is started on this machine. On a cluster
    the corpus, the weights and the shards' folder must be reachable under the same paths from every node.

    Args:
        workers: actors; 0 takes one a core of the cluster.
        device: "cpu", or "cuda" for the GPUs of the cluster, which the actors share.
        advance: Progress callback; it gets the number of items of each finished shard.
    Raises:
        InputError: without Ray, and what a shard's making raised.
    """
    if not jobs:
        return
    with cluster() as ray:
        import ray.data

        try:
            _make(ray, jobs, spec, workers, device, advance)
        except ray.exceptions.RayError as error:
            raise _told(error) from error


def _make(
    ray: Any,
    jobs: Sequence[ShardJob],
    spec: FeatureSpec,
    workers: int,
    device: str,
    advance: Callable[[int], object],
) -> None:
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    count = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(jobs))
    gpus = ray.cluster_resources().get("GPU", 0) / count if device != "cpu" else 0
    # as text, since Arrow has no column for jobs
    told = [{"job": json.dumps(to_dict(job), default=str)} for job in jobs]
    rows = ray.data.from_items(told, override_num_blocks=len(jobs))
    made = rows.map(
        _Actor,
        fn_constructor_args=(spec, device, os.getcwd()),
        compute=ray.data.ActorPoolStrategy(size=count),
        num_cpus=1,
        num_gpus=gpus,
    )
    for row in made.iter_rows():
        advance(row["items"])


class _Actor:
    """A process of the cluster, in the folder of the process that asked, from which paths count."""

    def __init__(self, spec: FeatureSpec, device: str, folder: str) -> None:
        os.chdir(folder)
        self._make = ShardMaker(spec, device)

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        job = json.loads(row["job"])
        return {
            "items": self._make(ShardJob(Path(job["path"]), tuple(Item(**item) for item in job["items"]), job["key"]))
        }


def _told(error: BaseException) -> InputError:
    """The message of the InputError at the root, or the last line of what Ray says."""
    return input_error_of(error) or InputError(
        f"Ray: {str(error).strip().splitlines()[-1]}; finished shards stay: run the same command again"
    )

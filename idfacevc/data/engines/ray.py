"""The engine of a cluster: Ray Data. It makes the same shards, bit for bit, as the engine of one machine."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idfacevc.config.reader import to_dict
from idfacevc.data.corpora.item import Item
from idfacevc.data.engines.job import ShardJob, ShardMaker
from idfacevc.data.features import FeatureSpec
from idfacevc.errors import InputError, optional


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
    ray = _ray()
    started = not ray.is_initialized()
    if started:
        # on this machine's own address, unless a cluster is asked for: Ray has no password
        local = {} if "RAY_ADDRESS" in os.environ else {"_node_ip_address": "127.0.0.1"}
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="error", **local)
    try:
        count = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(jobs))
        gpus = ray.cluster_resources().get("GPU", 0) / count if device != "cpu" else 0
        # as text, since Arrow has no column for jobs
        described = [{"job": json.dumps(to_dict(job), default=str)} for job in jobs]
        rows = ray.data.from_items(described, override_num_blocks=len(jobs))
        made = rows.map(
            _Actor,
            fn_constructor_args=(spec, device, os.getcwd()),
            compute=ray.data.ActorPoolStrategy(size=count),
            num_cpus=1,
            num_gpus=gpus,
        )
        for row in made.iter_rows():
            advance(row["items"])
    except ray.exceptions.RayError as error:
        raise _cause(error) from error
    finally:
        if started:
            ray.shutdown()


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


def _ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anyone
    with optional("ray", "the engine ray needs Ray Data: pip install 'ray[data]', the extra scale"):
        import ray
        import ray.data
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


def _cause(error: BaseException) -> InputError:
    """The message of the InputError at the root, or the last line of what Ray says."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return InputError(f"Ray: {str(error).strip().splitlines()[-1]}; finished shards stay: run the same command again")

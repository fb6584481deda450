"""The Ray cluster that work is spread over: the one that runs already, or one on this machine for as long as needed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from idfacevc.errors import InputError, optional


@contextmanager
def cluster() -> Iterator[Any]:
    """The module ray, joined to the cluster that runs in this process or that RAY_ADDRESS names; else one is started.

    One that is started listens to this machine alone and ends with the block.

    Raises:
        InputError: without Ray.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anyone
    with optional("ray", "the engine ray needs Ray: pip install 'idfacevc[scale]'"):
        import ray
    started = not ray.is_initialized()
    if started:
        if "RAY_ADDRESS" not in os.environ:
            _stay_on_this_machine()
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()


def _stay_on_this_machine() -> None:
    """Ray has no password: what it starts listens to 127.0.0.1, as it does by itself on Windows and macOS.

    Its option for a node's address takes 127.0.0.1 for the machine's address in the network, and listens everywhere.
    """
    from ray._private import ray_constants

    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0"  # for the processes that it starts
    ray_constants.ENABLE_RAY_CLUSTER = False


def input_error_of(error: BaseException) -> InputError | None:
    """The `InputError` at the root of what Ray raised, if there is one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return None

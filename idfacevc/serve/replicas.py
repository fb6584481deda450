"""The same application as a Ray Serve deployment: several replicas of it, on one machine or many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from idfacevc.cluster import cluster

_NAME = "idfacevc"


def run_replicas(build: Callable[[], FastAPI], host: str, port: int, replicas: int, device: str, places: int) -> None:
    """Serve until SIGINT or SIGTERM, on the cluster that runs already or on one of this machine alone.

    Args:
        build: makes the application, in each replica.
        host, port: of the proxy that clients reach.
        replicas: processes, each with its model.
        device: of the models; "cpu" takes a core for each, another one a GPU.
        places: requests inside a replica at a time; its own queue refuses those beyond.
    """
    with cluster():
        from ray import serve

        serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
        deployment: Any = serve.deployment(
            serve.ingress(build)(),
            name=_NAME,
            num_replicas=replicas,
            max_ongoing_requests=2 * places,  # room for those that are refused
            ray_actor_options={"num_cpus": 1, "num_gpus": 0 if device == "cpu" else 1},
        )
        try:
            serve.run(deployment.bind(), name=_NAME, route_prefix="/")
            print(f"idfacevc serves http://{host}:{port}/ with {replicas} replicas (Ctrl+C ends it)", flush=True)
            threading.Event().wait()
        finally:
            serve.shutdown()

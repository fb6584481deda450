"""The engine of one machine: a process a core, each with its networks, which share the GPUs where there are any."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait as wait_for
from typing import Any

import torch

from idfacevc.data.engines.job import ShardJob, ShardMaker
from idfacevc.data.features import FeatureSpec
from idfacevc.errors import InputError

_GPU_BYTES = 3 << 30  # that a process takes of a GPU: CUDA itself, CLIP and CLAP with their activations
_LOOK_SECONDS = 0.5

_state: dict[str, Any] = {}  # of a worker process


def run(
    jobs: Sequence[ShardJob], spec: FeatureSpec, workers: int, device: str, advance: Callable[[int], object]
) -> None:
    """Make all shards.

    Args:
        workers: processes; 0 takes one a core, as far as the memory of the GPUs goes, and 1 this process itself.
        device: "cpu", "cuda" (all GPUs, in turn) or "cuda:N".
        advance: Progress callback; it gets, now and then, the number of items finished since the last call.
    Raises:
        InputError: what a shard's making raised, or for a process that vanished.
    """
    count = min(workers or _fitting(device), len(jobs))
    if count > 1:
        _run_processes(jobs, spec, count, device, advance)
    elif count:
        threads = torch.get_num_threads()
        try:
            make = ShardMaker(spec, device)
            for job in jobs:
                make(job, partial(advance, 1))
        finally:
            torch.set_num_threads(threads)


def _run_processes(
    jobs: Sequence[ShardJob], spec: FeatureSpec, count: int, device: str, advance: Callable[[int], object]
) -> None:
    context = multiprocessing.get_context("spawn")
    finished, numbers = context.Value("q", 0), context.Value("i", 0)
    reported = 0
    with ProcessPoolExecutor(count, context, initializer=_start, initargs=(spec, device, finished, numbers)) as pool:
        pending = {pool.submit(_make, job) for job in jobs}
        try:
            while pending:
                done, pending = wait(pending, _LOOK_SECONDS, FIRST_EXCEPTION)
                for one in done:
                    one.result()
                now = finished.value
                advance(now - reported)
                reported = now
        except BrokenProcessPool as error:
            raise InputError(
                "a process of the preparation was ended from outside, for want of memory perhaps (--workers takes "
                "fewer); finished shards stay: run the same command again"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _fitting(device: str) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if device == "cpu":
        return cores
    free = sum(torch.cuda.mem_get_info(gpu)[0] // _GPU_BYTES for gpu in _gpus(device))
    return max(1, min(cores, free))


def _gpus(device: str) -> list[str]:
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] if device == "cuda" else [device]


def _start(spec: FeatureSpec, device: str, finished: Any, numbers: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal sends it to all: one line is the parent's to say
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    _state.update(spec=spec, device=_gpus(device)[number % len(_gpus(device))], finished=finished)


def _end_with_the_parent() -> None:
    """A parent that is killed cannot end its processes; they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _make(job: ShardJob) -> int:
    # here and not at the start, whose errors would reach the parent without their message
    if "maker" not in _state:
        _state["maker"] = ShardMaker(_state["spec"], _state["device"])
    return _state["maker"](job, _count)


def _count() -> None:
    finished = _state["finished"]
    with finished.get_lock():
        finished.value += 1

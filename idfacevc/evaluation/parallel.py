"""Run a function over many items on several processes, with a progress bar, in order."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")

_function: Callable[[Any], Any]


def map_processes(function: Callable[[T], R], items: Sequence[T], workers: int, label: str) -> Iterator[R]:
    """`function` of each item, in order. It travels to each process once and may load a model there at the first call.

    One worker, or fewer than eight items, stay in this process.
    """
    bar: Callable[..., Any] = lambda results: tqdm(results, total=len(items), desc=label, unit="", file=sys.stderr)  # noqa: E731
    if workers == 1 or len(items) < 8:
        yield from bar(map(function, items))
        return
    # Spawned, since forked processes inherit locked thread pools; each keeps to one thread, as they share the cores.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _install, (function,)) as pool:
        yield from bar(pool.map(_call, items))


def _install(function: Callable[[Any], Any]) -> None:
    global _function
    import torch

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal sends it to all: one line is the parent's to say
    warnings.simplefilter("ignore")  # of the libraries below; the parent process has its own filters
    torch.set_num_threads(1)
    _function = function


def _call(item: Any) -> Any:
    return _function(item)

"""How many threads a conversion works with: one, so that it stays quick beside other work.

PyTorch would take a thread for each core. They wait for one another after every operation, and a conversion is
thousands of small ones: where another process holds a single core, all of them wait for it. One thread waits for none,
and its sums do not depend on the machine. OMP_NUM_THREADS asks for more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")


@contextmanager
def few_threads() -> Iterator[None]:
    """PyTorch works with one thread in the block, or in the decorated function, and as before after it."""
    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_few_threads(items: Iterable[T]) -> Iterator[T]:
    """The items, each made with few threads; between them the host program has its own number back."""
    iterator = iter(items)
    while True:
        with few_threads():
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item

"""Collectives of a training on several processes; in a single process each of them leaves things as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def processes() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_(tensor: Tensor) -> Tensor:
    """Add up a tensor over the processes, in place."""
    if processes() > 1:
        dist.all_reduce(tensor)
    return tensor


def share_(tensor: Tensor) -> Tensor:
    """Give every process the first one's tensor, in place."""
    if processes() > 1:
        dist.broadcast(tensor, 0)
    return tensor


def gather(tensor: Tensor) -> Tensor:
    """The batches (B, ...) of all processes as one, (processes * B, ...), with gradient.

    A loss that every process takes of the gathered batch has, after the averaging of gradients that follows, the
    gradient that one process would have with that batch.
    """
    return _Gather.apply(tensor) if processes() > 1 else tensor


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(processes())]
        dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return sum_(gradient.contiguous()).chunk(processes())[dist.get_rank()]


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Average gradients over the processes; every process must have them of the same parameters."""
    if processes() > 1:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = sum_(torch.cat([gradient.flatten() for gradient in gradients])) / processes()
        for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

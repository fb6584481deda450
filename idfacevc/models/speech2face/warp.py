"""Differentiable warp of pictures by points: thin-plate splines (Cole et al. 2017, section 3.2, warp by landmarks)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def spline(points: Tensor, values: Tensor, queries: Tensor) -> Tensor:
    """The smoothest map that takes points to values, at queries; affine maps are met exactly, everywhere.

    Shape: points (B, n, 2), values (B, n, 2), queries (B, q, 2) -> (B, q, 2); n >= 3, not all on a line.
    """
    count = points.shape[1]
    affine = F.pad(points, (1, 0), value=1.0)
    system = torch.cat(
        [
            torch.cat([_kernel(points, points), affine], dim=2),
            F.pad(affine.transpose(1, 2), (0, 3)),
        ],
        dim=1,
    )
    weights = torch.linalg.solve(system, F.pad(values, (0, 0, 0, 3)))
    bent = _kernel(queries, points) @ weights[:, :count]
    return bent + F.pad(queries, (1, 0), value=1.0) @ weights[:, count:]


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    """r^2 log r^2 of all pairs; (B, n, 2) and (B, m, 2) -> (B, n, m)."""
    squares = (first[:, :, None] - second[:, None]).square().sum(dim=3)
    return squares * squares.clamp(min=1e-12).log()


def warp(images: Tensor, points: Tensor, wanted: Tensor) -> Tensor:
    """Pictures in which what lay at `points` lies at `wanted`; the edge is repeated outside.

    Args:
        images: (B, C, H, W).
        points, wanted: (B, n, 2) x and y as shares of width and height.
    """
    height, width = images.shape[2:]
    rows = (torch.arange(height, device=images.device, dtype=images.dtype) + 0.5) / height
    columns = (torch.arange(width, device=images.device, dtype=images.dtype) + 0.5) / width
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=2).flatten(0, 1)
    sources = spline(wanted, points, grid.expand(len(images), -1, -1))
    sources = sources.view(len(images), height, width, 2) * 2 - 1
    return F.grid_sample(images, sources, padding_mode="border", align_corners=False)

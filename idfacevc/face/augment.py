"""Augmentation of face crops, which makes a backbone robust to real photos."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def resize(images: Tensor, size: int) -> Tensor:
    """uint8 (B, 3, H, W) -> float in [0, 1], (B, 3, size, size), antialiased."""
    return F.interpolate(images.float() / 255, (size, size), mode="bilinear", antialias=True, align_corners=False)


def augment(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Random similarity transform, light, colour, blur and low resolution. uint8 (B, 3, H, W) -> (B, 3, size, size)."""
    batch = images.shape[0]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(batch, *shape).uniform_(low, high, generator=generator)

    angle = uniform(-1, 1) * math.radians(15)
    scale = torch.exp(uniform(-0.22, 0.22))
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [
            torch.stack([cos * mirror, -sin, uniform(-0.12, 0.12)], dim=1),
            torch.stack([sin * mirror, cos, uniform(-0.12, 0.12)], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    out = F.grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)

    grey = out.mean(dim=1, keepdim=True)
    saturation = torch.where(uniform(0, 1, 1, 1, 1) < 0.15, torch.zeros(()), uniform(0.6, 1.3, 1, 1, 1))
    out = grey + (out - grey) * saturation
    level = out.mean(dim=(1, 2, 3), keepdim=True)
    out = level + (out - level) * uniform(0.6, 1.4, 1, 1, 1)
    out = (out * uniform(0.9, 1.1, 3, 1, 1) + uniform(-0.18, 0.18, 1, 1, 1)).clamp(0, 1)

    small = int(torch.randint(size // 3, size, (1,), generator=generator))
    coarse = F.interpolate(out, (small, small), mode="area")
    coarse = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=False)
    out = torch.where(uniform(0, 1, 1, 1, 1) < 0.3, coarse, out)
    return out + torch.randn(out.shape, generator=generator) * uniform(0, 0.04, 1, 1, 1)

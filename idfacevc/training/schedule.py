"""Learning rate as a function of the epoch alone, so that a resumed run has the rate of an uninterrupted one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class OptimSpec:
    """Adam and its schedule (FVMVC's table, which ID-FaceVC does not restate: OPEN 19).

    Attributes:
        lr_init, lr_max: start and end of the linear warm-up.
        warmup_steps: warm-up length in steps, rounded down to epochs.
        schedule: "milestones" multiplies by `gamma` after each milestone epoch; "cosine" falls to lr_init at `epochs`.
        clip: gradient norm of the main step.
        content_lr: factor on the rate of the content encoder in stage B.
    """

    lr_init: float = 1e-6
    lr_max: float = 2.5e-4
    warmup_steps: int = 2000
    schedule: Literal["milestones", "cosine"] = "milestones"
    milestones: tuple[int, ...] = (800, 1200, 1600)
    gamma: float = 0.5
    epochs: int = 2000
    clip: float = 1.0
    content_lr: float = 0.1


def warmup_epochs(spec: OptimSpec, clips: int, batch: int) -> int:
    """warmup_steps // (clips // batch): 45 for 11,430 clips and batches of 256, as FVMVC's code computes it."""
    return spec.warmup_steps // max(1, clips // batch)


def learning_rate(epoch: float, spec: OptimSpec, warmup: float) -> float:
    """The rate at a (fractional) epoch, after `warmup` epochs of linear rise."""
    if epoch < warmup:
        return spec.lr_init + (spec.lr_max - spec.lr_init) * epoch / warmup
    if spec.schedule == "cosine":
        progress = min(1.0, (epoch - warmup) / max(1e-9, spec.epochs - warmup))
        return spec.lr_init + (spec.lr_max - spec.lr_init) * 0.5 * (1 + math.cos(math.pi * progress))
    return spec.lr_max * spec.gamma ** sum(epoch >= milestone for milestone in spec.milestones)

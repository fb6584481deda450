"""Content of a decoded mel against the content that it was made of (AutoVC)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from idfacevc.config.model import ModelSpec
from idfacevc.errors import InputError
from idfacevc.losses.term import LossTerm, Step


class CodeLoss(LossTerm):
    """Mean absolute difference of the codes, for the content encoder "autovc_bottleneck".

    Args:
        weight: Factor of the term.
    """

    reads = ("post", "z")

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)

    def build(self, model: ModelSpec, speakers: int) -> None:
        if model.content.kind != "autovc_bottleneck":
            raise InputError(f"losses.codes compares the codes of a bottleneck: content.kind is {model.content.kind}")

    def forward(self, step: Step) -> Tensor:
        return F.l1_loss(step.net.content(step.post).z_q, step.z)

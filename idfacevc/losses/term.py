"""What a loss of a conversion training is: a weighted term that reads one step of its stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from idfacevc.config.model import ModelSpec

# a tensor, or None where the stage does not make it: terms say what they read, and the stage compares before it asks
Made = Any


class Conversion(NamedTuple):
    """A decoded mel and what it was made of.

    Attributes:
        mel: (B, M, T), normalised, as `source` is.
        source: Mel (B, M, T) with the words to say.
        speech: Speaker features (B, P, D) of the voice to take.
    """

    mel: Tensor
    source: Tensor
    speech: Tensor


@dataclass
class Step:
    """One forward pass of a stage. A field is None where the stage does not make it.

    Attributes:
        net: The network (`models.idfacevc.network.IDFaceVCNet`).
        mel: Normalised mels (B, M, T) of the recordings.
        speaker: Speaker numbers (B,); -1 where the speaker is unknown.
        z: Content codes (B, L, D) with the straight-through gradient, F_con.
        commitment, perplexity: () of the quantiser.
        speech_identity, speech_voice: F_spk and e_s, (B, D) each.
        face_identity: F_query (B, D).
        face_log_address: Log weights (B, S) of the memory's slots for the faces.
        register: Mean and deviation of log-F0 (B, 2) of the recordings.
        voice_register: The same, as the network reads it off the voice.
        pre, post: Decoded mels (B, M, T) of the recordings, before and after the postnet.
        inter_pre, inter_post, inter_target: Mels (B, M, T) of the inter-speaker pass, and the teacher's.
        conversions: Mels that the decoder made in this step, for losses that need no recording.
        logs: Values to log, by name; terms may add to them.
    """

    net: Any
    mel: Tensor
    speaker: Tensor
    z: Tensor
    speech_identity: Tensor
    speech_voice: Tensor
    commitment: Made = None
    perplexity: Made = None
    face_identity: Made = None
    face_log_address: Made = None
    register: Made = None
    voice_register: Made = None
    pre: Made = None
    post: Made = None
    inter_pre: Made = None
    inter_post: Made = None
    inter_target: Made = None
    conversions: Made = None
    logs: dict[str, Tensor] = field(default_factory=dict)


class LossTerm(nn.Module):
    """Base of all losses: `forward` returns the unweighted value of a step.

    A term may hold parameters (the stage's optimiser trains them), or train a network of its own before each main step
    with `inner_optimizer` and `inner_losses`.

    Args:
        weight: Factor of the term in the total loss.
    """

    reads: ClassVar[tuple[str, ...]] = ()  # fields of `Step`

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def build(self, model: ModelSpec, speakers: int) -> None:
        """Make the parameters, for a network and a number of training speakers."""

    def inner_optimizer(self) -> torch.optim.Optimizer | None:
        """The term's own optimiser, if it has one."""
        return None

    def inner_losses(self, step: Step) -> Iterator[Tensor]:
        """Losses () of the term's own network; the optimiser steps after each of them."""
        return iter(())

    def forward(self, step: Step) -> Tensor:
        """The loss ()."""
        raise NotImplementedError


class ConversionLoss(LossTerm):
    """Base of losses of conversions; the value is the mean over the conversions of a step."""

    reads = ("conversions",)

    def forward(self, step: Step) -> Tensor:
        return torch.stack([self.error(conversion) for conversion in step.conversions]).mean()

    def error(self, conversion: Conversion) -> Tensor:
        """The loss () of one batch of conversions."""
        raise NotImplementedError

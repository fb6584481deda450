"""Losses of the face-voice memory (FVMVC): two of the three terms of L_F; the third is in `inter_speaker.py`."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from idfacevc.losses.term import LossTerm, Step


def recall_loss(e_s: Tensor, recalled: Tensor) -> Tensor:
    """Mean squared error of the speech vector (B, D) and what the memory makes of it."""
    return F.mse_loss(recalled, e_s)


def address_loss(log_speech: Tensor, log_face: Tensor) -> Tensor:
    """KL(speech address || face address), mean over the batch; gradients go to both. Shape: two of (B, S) -> ()."""
    return F.kl_div(log_face, log_speech, reduction="batchmean", log_target=True)


def address_entropy(log_address: Tensor) -> Tensor:
    """Mean entropy of addresses (B, S) in nats; its exponential is the number of slots in use."""
    return -(log_address.exp() * log_address).sum(dim=-1).mean()


class MemoryRecallLoss(LossTerm):
    """`recall_loss` of e_s and what the memory recalls for it.

    Args:
        weight: Factor of the term.
        detach_speech: e_s counts as a constant (OPEN 17).
    """

    reads = ("speech_voice", "face_log_address")

    def __init__(self, weight: float = 1.0, detach_speech: bool = True) -> None:
        super().__init__(weight)
        self.detach_speech = detach_speech

    def forward(self, step: Step) -> Tensor:
        e_s = step.speech_voice.detach() if self.detach_speech else step.speech_voice
        return recall_loss(e_s, step.net.memory.recall(step.net.memory.log_speech_address(e_s)))


class MemoryAddressLoss(LossTerm):
    """`address_loss` of the memory's addresses for e_s and for the face of the same clip.

    Args:
        weight: Factor of the term.
        detach_speech: e_s counts as a constant (OPEN 17).
        detach_address: The term trains the face side alone. Otherwise it also moves the speech values, and where its
            weight is far above the recall loss's, it is least when all values, and so all voices, are one.
    """

    reads = ("speech_voice", "face_log_address")

    def __init__(self, weight: float = 10.0, detach_speech: bool = True, detach_address: bool = False) -> None:
        super().__init__(weight)
        self.detach_speech, self.detach_address = detach_speech, detach_address

    def forward(self, step: Step) -> Tensor:
        e_s = step.speech_voice.detach() if self.detach_speech else step.speech_voice
        log_speech = step.net.memory.log_speech_address(e_s)
        step.logs["address_entropy"] = address_entropy(step.face_log_address)
        return address_loss(log_speech.detach() if self.detach_address else log_speech, step.face_log_address)

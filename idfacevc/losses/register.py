"""Pitch register: mean and deviation of log-F0 that a voice has."""

from __future__ import annotations

from torch import Tensor

from idfacevc.losses.term import LossTerm, Step

SPEAKER_SPREAD = 0.35  # deviation of speakers' mean log-F0, in ln Hz


def register_loss(predicted: Tensor, register: Tensor) -> Tensor:
    """Mean absolute error of registers (B, 2): of the mean in speakers' spreads, of the deviation in log ratio.

    Utterances without voiced frames (deviation 0) do not count.
    """
    known = register[:, 1] > 0
    if not known.any():
        return predicted.sum() * 0
    mean = (predicted[known, 0] - register[known, 0]).abs() / SPEAKER_SPREAD
    deviation = (predicted[known, 1] / register[known, 1]).log().abs()
    return (mean + deviation).mean()


class RegisterLoss(LossTerm):
    """`register_loss` of the register that the network reads off the voice, for pitch of kind "register".

    Args:
        weight: Factor of the term.
    """

    reads = ("voice_register", "register")

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)

    def forward(self, step: Step) -> Tensor:
        return register_loss(step.voice_register, step.register)

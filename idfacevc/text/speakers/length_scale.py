"""The speed law of models that predict a whole number of frames for each token."""

from __future__ import annotations

from torch import Tensor


def length_scale(log_durations: Tensor, speed: float) -> float:
    """The factor of the durations that makes the whole last 1 / speed as long.

    Each token's frames are rounded up, half a frame more on average, so that the plain factor 1 / speed would miss by a
    tenth at speed 2. No token lasts less than a frame, which bounds the fastest speech.

    Args:
        log_durations: log frames of each token, any shape.
    """
    durations = log_durations.exp()
    if speed == 1.0:
        return 1.0
    wanted = durations.ceil().sum() / speed
    low, high = 0.0, 4.0
    for _ in range(30):
        middle = (low + high) / 2
        if (durations * middle).ceil().sum() > wanted:
            high = middle
        else:
            low = middle
    return low

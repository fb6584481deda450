"""What a decoded mel goes through before the vocoder."""

from __future__ import annotations

from dataclasses import dataclass

from idfacevc.errors import InputError


@dataclass(frozen=True)
class PostFilterSpec:
    """Contrast at inference; nothing in the paper.

    Attributes:
        contrast: By how much each frame is taken away from its smoothed self, along frequency; 0 leaves it as it is.
        width: Deviation of the smoothing, in bands.
    """

    contrast: float = 0.0
    width: float = 4.0

    def __post_init__(self) -> None:
        if not 0 <= self.contrast <= 4 or not 0.5 <= self.width <= 40:
            raise InputError("post_filter: contrast goes from 0 to 4, width from 0.5 to 40 bands")

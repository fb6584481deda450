"""The slots of the frozen networks: crops of a face in, tokens out; speech in, tokens out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor


class FaceBackbone(Protocol):
    """Frozen: no gradient leaves it, and nothing of it is trained."""

    def tokens(self, images: Sequence[Image.Image]) -> Tensor:
        """Tokens (B, P, D), float32, of RGB crops of any size."""
        ...


class SpeechBackbone(Protocol):
    """Frozen. Recordings are preprocessed one by one where they are read; the network runs on batches of them."""

    def preprocess(self, wav: np.ndarray, sample_rate: int) -> Any:
        """The network's input for one recording (N,)."""
        ...

    def tokens(self, inputs: Sequence[Any]) -> Tensor:
        """Tokens (B, P, D), float32, of preprocessed recordings."""
        ...


def pixels(image: Image.Image, size: int, resample: Image.Resampling) -> Tensor:
    """An RGB image as (1, 3, size, size) in [0, 1], resized by Pillow, whose filters do not alias."""
    resized = image.resize((size, size), resample)
    return torch.from_numpy(np.asarray(resized, np.float32) / 255).permute(2, 0, 1)[None]

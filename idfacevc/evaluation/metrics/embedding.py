"""Resemblyzer speaker embeddings as a metric's input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from idfacevc.backbones.resemblyzer import ResemblyzerBackbone
from idfacevc.evaluation.metrics.base import Scorer, require

_SAMPLE_RATE = 16000


class SpeakerEncoder(Scorer):
    """Unit-length Resemblyzer embedding (256,), as a list.

    Entries are never negative, so that even strangers have cosines above 0.5: judge differences, not levels.
    """

    def __init__(self) -> None:
        self.name = f"Resemblyzer {require('resemblyzer')}"

    @cached_property
    def _backbone(self) -> ResemblyzerBackbone:
        return ResemblyzerBackbone()

    def __call__(self, wav: np.ndarray) -> list[float]:
        return self.many([wav])[0]

    def many(self, wavs: Sequence[np.ndarray]) -> list[list[float]]:
        inputs = [self._backbone.preprocess(wav, _SAMPLE_RATE) for wav in wavs]
        return self._backbone.tokens(inputs)[:, 0].tolist()


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two vectors (D,)."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def centroid(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """Unit-length mean of embeddings (D,)."""
    mean = np.mean(np.asarray(embeddings), axis=0)
    return mean / np.linalg.norm(mean)

"""SECS, SEC and SED over speaker embeddings, averaged as docs/evaluation.md writes them out (OPEN 21).

The paper prints no formula. Both sides of a SEC or SED pair come from the same source utterance, which takes the words
and what leaks of the source's voice out of the comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from itertools import combinations

import numpy as np

from idfacevc.evaluation.metrics.base import (
    Estimate,
    MetricInfo,
    RatioMetric,
    Unavailable,
    percentiles,
    resampling_counts,
)
from idfacevc.evaluation.metrics.embedding import centroid, cosine


class SECS(RatioMetric):
    """Speaker embedding cosine similarity: output against real speech of the target, content not paired."""

    info = MetricInfo("secs", "SECS", "cosine", "higher", (0.0, 1.0), "offline", "ID-FaceVC; Resemblyzer")

    def update(self, output: np.ndarray, reference: np.ndarray, speaker: str) -> None:
        """Embeddings (256,) of an output and of its target's speech (one clip, or a centroid)."""
        self.add(cosine(output, reference), speaker)


class SEC:
    """Consistency: cosines between outputs of one utterance for different pictures of one target.

    Mean over utterances of the mean over targets and unordered pairs of pictures. The interval resamples targets.
    """

    info = MetricInfo("sec", "SEC", "cosine", "higher", (0.0, 1.0), "offline", "ID-FaceVC; Resemblyzer")

    def __init__(self) -> None:
        self._outputs: dict[Hashable, dict[str, list[np.ndarray]]] = {}

    def update(self, output: np.ndarray, utterance: Hashable, speaker: str) -> None:
        """One embedding (256,) a picture of target `speaker` with source `utterance`."""
        self._outputs.setdefault(utterance, {}).setdefault(speaker, []).append(output)

    def compute(self) -> Estimate:
        """Raises `Unavailable` where no target has two pictures."""
        speakers = sorted({speaker for own in self._outputs.values() for speaker in own})
        sums = np.zeros((len(self._outputs), len(speakers)))
        counts = np.zeros_like(sums)
        for row, own in enumerate(self._outputs.values()):
            for speaker, outputs in own.items():
                column = speakers.index(speaker)
                cosines = [cosine(a, b) for a, b in combinations(outputs, 2)]
                sums[row, column], counts[row, column] = sum(cosines), len(cosines)
        if not counts.sum():
            raise Unavailable("no target has two pictures with one source utterance")
        kept = counts.sum(axis=0) > 0
        sums, counts = sums[:, kept], counts[:, kept]
        value = _mean_of_ratios(sums, counts, np.ones((1, sums.shape[1])))[0]
        low, high = (math.nan, math.nan)
        if sums.shape[1] > 1:
            low, high = percentiles(_mean_of_ratios(sums, counts, resampling_counts(sums.shape[1])))
        return Estimate(float(value), low, high, int(counts.sum()), int(kept.sum()))


def _mean_of_ratios(sums: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean within each utterance, then over utterances. Shape: (U, S), (U, S), (R, S) -> (R,)."""
    top, bottom = weights @ sums.T, weights @ counts.T
    return _mean_of_defined(top, bottom)


def _mean_of_defined(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Mean of top / bottom along the last axis over the entries whose bottom is not 0, NaN where none is."""
    defined = bottom > 0
    ratios = np.divide(top, bottom, where=defined, out=np.zeros_like(top))
    count = defined.sum(axis=-1)
    return np.divide(ratios.sum(axis=-1), count, where=count > 0, out=np.full(count.shape, np.nan))


class SED:
    """Diversity: cosines between outputs of one utterance for different targets. Lower is more diverse.

    Mean over utterances of the mean over unordered pairs of targets, one designated picture each.

    Args:
        pairs: Says of two targets' `kind`s whether they are compared; all are by default.
        centroids: Compare the mean embeddings of targets over the utterances instead.
    """

    info = MetricInfo("sed", "SED", "cosine", "lower", (0.0, 1.0), "offline", "ID-FaceVC; Resemblyzer")

    def __init__(
        self, pairs: Callable[[Hashable, Hashable], bool] = lambda a, b: True, centroids: bool = False
    ) -> None:
        self._pairs, self._centroids = pairs, centroids
        self._kinds: dict[str, Hashable] = {}
        self._outputs: dict[Hashable, dict[str, np.ndarray]] = {}

    def update(self, output: np.ndarray, utterance: Hashable, speaker: str, kind: Hashable = None) -> None:
        """Embedding (256,) for target `speaker`; of several for one utterance and target the first is designated."""
        self._kinds[speaker] = kind
        self._outputs.setdefault(utterance, {}).setdefault(speaker, output)

    def compute(self) -> Estimate:
        """Raises `Unavailable` where fewer than two targets can be compared."""
        speakers = sorted(self._kinds)
        if len(speakers) < 2:
            raise Unavailable("SED compares speakers and the list has only one")
        cosines, mask = self._matrices(speakers)
        if not mask.any():
            raise Unavailable("no two targets of the wanted kind share a source utterance")
        ones = np.ones((1, len(speakers)))
        low, high = percentiles(self._weighted(cosines, mask, resampling_counts(len(speakers))))
        value = self._weighted(cosines, mask, ones)[0]
        return Estimate(
            float(value), low, high, int(mask.sum()), int((mask.any(axis=(0, 1)) | mask.any(axis=(0, 2))).sum())
        )

    def _matrices(self, speakers: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Cosines and which of them count. Shape: (U, S, S) each, upper triangle."""
        rows = list(self._outputs.values())
        if self._centroids:
            everyone = {name: [row[name] for row in rows if name in row] for name in speakers}
            rows = [{name: centroid(own) for name, own in everyone.items()}]
        cosines = np.zeros((len(rows), len(speakers), len(speakers)))
        mask = np.zeros(cosines.shape, dtype=bool)
        for index, row in enumerate(rows):
            for (i, a), (j, b) in combinations(enumerate(speakers), 2):
                if a in row and b in row and self._pairs(self._kinds[a], self._kinds[b]):
                    cosines[index, i, j], mask[index, i, j] = cosine(row[a], row[b]), True
        return cosines, mask

    @staticmethod
    def _weighted(cosines: np.ndarray, mask: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """A speaker drawn twice is no pair with himself: only different speakers are weighed. Shape: (R, S) -> (R,)."""
        top = np.stack([np.einsum("ri,ij,rj->r", weights, own, weights, optimize=True) for own in cosines], axis=1)
        bottom = np.stack(
            [np.einsum("ri,ij,rj->r", weights, own.astype(float), weights, optimize=True) for own in mask], axis=1
        )
        return _mean_of_defined(top, bottom)

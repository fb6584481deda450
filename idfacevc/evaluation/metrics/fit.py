"""Face-voice fit: the preference test "which of two voices belongs to this face", asked of an embedding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from idfacevc.evaluation.metrics.base import Estimate, MetricInfo, RatioMetric, Unavailable
from idfacevc.evaluation.metrics.embedding import cosine


class FaceVoiceFit(RatioMetric):
    """Share of choices in which an output is nearer to the true speech of its own target than to another's.

    Chance is 0.5. Across genders it mostly repeats gender agreement; within a gender it is the hard question.
    """

    info = MetricInfo("face_voice_fit", "Face-voice fit", "share", "higher", (0.0, 1.0), "offline", "this project")

    def update(self, output: np.ndarray, voices: Mapping[str, np.ndarray], speaker: str) -> None:
        """Embedding (256,) of an output for target `speaker`, and the real voice (256,) of every target by name."""
        own = cosine(output, voices[speaker])
        others = [cosine(output, voice) for name, voice in voices.items() if name != speaker]
        if others:
            wins = sum(float(own > other) + 0.5 * float(own == other) for other in others)
            self.add(wins, speaker, len(others))

    def compute(self) -> Estimate:
        """Raises `Unavailable` for fewer than two targets."""
        if not self._rows:
            raise Unavailable("face-voice fit compares targets and the list has only one")
        return super().compute()

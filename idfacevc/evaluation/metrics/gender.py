"""Does a voice sound female or male? A linear classifier trained on real voices, and agreement with what was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from idfacevc.evaluation.metrics.base import MetricInfo, RatioMetric, Unavailable
from idfacevc.files import write_whole

# Against the unit regularisation; among the best of a speaker-wise cross-validation on the training voices.
_EMBEDDING_SCALE, _PITCH_SCALE = 16.0, 0.3
WEIGHTS = Path(__file__).with_name("voice_gender.yaml")


@dataclass(frozen=True)
class VoiceGender:
    """Logistic regression on a Resemblyzer embedding and the median log-F0.

    Attributes:
        coefficients: Weights (257,) for the scaled embedding and the standardised pitch; positive means male.
        intercept: Intercept of the regression.
        pitch_mean, pitch_std: Mean and deviation of the training voices' median log-F0.
        trained_on: Description of the training voices.
    """

    coefficients: tuple[float, ...]
    intercept: float
    pitch_mean: float
    pitch_std: float
    trained_on: str

    @classmethod
    def fit(
        cls, embeddings: np.ndarray, pitches: Sequence[float | None], genders: Sequence[str], trained_on: str
    ) -> VoiceGender:
        """Train on real voices: embeddings (n, 256), median log-F0 and gender of each."""
        from sklearn.linear_model import LogisticRegression

        known = np.array([pitch for pitch in pitches if pitch is not None])
        mean, std = float(known.mean()), float(known.std())
        inputs = np.stack(
            [_features(embedding, pitch, mean, std) for embedding, pitch in zip(embeddings, pitches, strict=True)]
        )
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000)
        model.fit(inputs, [gender == "m" for gender in genders])
        coefficients = tuple(round(float(value), 6) for value in model.coef_[0])
        return cls(coefficients, round(float(model.intercept_[0]), 6), mean, std, trained_on)

    def probability_male(self, embedding: np.ndarray, pitch: float | None) -> float:
        """Between 0 and 1; `pitch` is the median log-F0, or None for a voice without any."""
        features = _features(embedding, pitch, self.pitch_mean, self.pitch_std)
        return float(1 / (1 + np.exp(-(features @ np.array(self.coefficients) + self.intercept))))

    def predict(self, embedding: np.ndarray, pitch: float | None) -> str:
        """ "f" or "m"."""
        return "m" if self.probability_male(embedding, pitch) >= 0.5 else "f"

    def save(self, path: Path = WEIGHTS) -> None:
        write_whole(path, yaml.safe_dump(asdict(self) | {"coefficients": list(self.coefficients)}, width=120))

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> VoiceGender:
        """Raises `Unavailable` where it was not trained yet."""
        if not path.is_file():
            raise Unavailable("the classifier of voices is missing (idfacevc evaluate gender-classifier)")
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(**values | {"coefficients": tuple(values["coefficients"])})


def _features(embedding: np.ndarray, pitch: float | None, mean: float, std: float) -> np.ndarray:
    """Shape: (256,) -> (257,). A voice without pitch gets the mean one."""
    standardised = 0.0 if pitch is None else _PITCH_SCALE * (pitch - mean) / std
    return np.append(_EMBEDDING_SCALE * np.asarray(embedding), standardised)


class GenderAgreement(RatioMetric):
    """Share of outputs whose voice has the wanted gender."""

    info = MetricInfo("gender_agreement", "Gender agreement", "share", "higher", (0.0, 1.0), "offline", "this project")

    def update(self, heard: str, wanted: str, speaker: str) -> None:
        self.add(heard == wanted, speaker)

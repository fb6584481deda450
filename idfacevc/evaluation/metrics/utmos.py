"""UTMOS, the paper's naturalness figure. Its weights come from the network once and are read from torch's hub cache."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import SAMPLE_RATE, Analyser, MetricInfo, RatioMetric, Unavailable

REPOSITORY = "tarepan/SpeechMOS:v1.2.0"
_FOLDER, _WEIGHTS = "tarepan_SpeechMOS_v1.2.0", "utmos22_strong_step7459_v1.pt"


class UtmosModel(Analyser):
    """The strong learner of UTMOS22, one wave at a time: padding within a batch shifts its scores."""

    def __init__(self) -> None:
        self.name = f"UTMOS22 strong ({REPOSITORY})"
        import torch

        self._folder = Path(torch.hub.get_dir())
        if not (self._folder / _FOLDER).is_dir() or not (self._folder / "checkpoints" / _WEIGHTS).is_file():
            raise Unavailable("the UTMOS weights are not cached (idfacevc download)")

    @cached_property
    def _model(self) -> Any:
        import torch

        return torch.hub.load(str(self._folder / _FOLDER), "utmos22_strong", source="local").eval()

    def __call__(self, wav: np.ndarray) -> float:
        import torch

        with torch.inference_mode():
            return float(self._model(torch.from_numpy(wav)[None], SAMPLE_RATE))


class UTMOS(RatioMetric):
    """Mean predicted score."""

    info = MetricInfo("utmos", "UTMOS", "MOS", "higher", (1.0, 5.0), "paper", "Saeki et al., Interspeech 2022")

    def update(self, score: float, speaker: str) -> None:
        self.add(score, speaker)

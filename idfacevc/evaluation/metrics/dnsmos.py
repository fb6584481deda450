"""DNSMOS P.835: predicted mean opinion scores of a network trained on crowd-sourced ratings."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import SAMPLE_RATE, MetricInfo, RatioMetric, Scorer, require


class DnsmosModel(Scorer):
    """speechmos's DNSMOS. Result: {"overall", "signal", "background", "p808"}, each about 1 to 5."""

    def __init__(self) -> None:
        require("onnxruntime")
        self.name = f"DNSMOS P.835 (speechmos {require('speechmos')})"

    @cached_property
    def _model(self) -> Any:
        import onnxruntime
        from speechmos import dnsmos

        folder = Path(dnsmos.__file__).with_name("dnsmos_models")
        primary, p808 = str(folder / "sig_bak_ovr.onnx"), str(folder / "model_v8.onnx")
        model = dnsmos.DNSMOS(primary, p808)
        # speechmos's own sessions take every core, and several processes measure at a time.
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model.onnx_sess = onnxruntime.InferenceSession(primary, options)
        model.p808_onnx_sess = onnxruntime.InferenceSession(p808, options)
        return model

    def __call__(self, wav: np.ndarray) -> dict[str, float]:
        scores = self._model(np.clip(wav, -1.0, 1.0), SAMPLE_RATE, False)
        keys = {"overall": "ovrl_mos", "signal": "sig_mos", "background": "bak_mos", "p808": "p808_mos"}
        return {ours: float(scores[theirs]) for ours, theirs in keys.items()}


class DNSMOS(RatioMetric):
    """Mean overall score."""

    info = MetricInfo("dnsmos", "DNSMOS", "MOS", "higher", (1.0, 5.0), "offline", "Reddy et al., ICASSP 2022")

    def update(self, scores: dict[str, float], speaker: str) -> None:
        """`scores` as `DnsmosModel` gives them."""
        self.add(scores["overall"], speaker)

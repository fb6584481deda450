"""Shared by the speakers that run on ONNX Runtime: a session, and the removal of the silence around their speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.errors import InputError

_FRAME = 0.01  # s
_SILENCE_DB = -50.0  # below the loudest frame
_MARGIN = 4  # frames that are left on either side: plosives begin and vowels end quietly


def session(model: Path | bytes, extra: str, threads: int = 0) -> Any:
    """An inference session on the CPU.

    Args:
        model: ONNX file, or its content.
        extra: the project's extra that brings ONNX Runtime, for the message where it is missing.
        threads: 0 for one a physical core.

    Raises:
        InputError: for a missing package, and for what is no ONNX model.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError(f"ONNX Runtime is missing: pip install 'idfacevc[{extra}]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # beside other work it costs much
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exceptions have no common class of their own
        fault = " ".join(str(error).split())[:200]
        name = "the joined weights" if isinstance(model, bytes) else model
        raise InputError(f"{name}: is no ONNX model that can be loaded ({fault})") from None


def without_silence(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Speech (N,) without the silence before and after it; pauses are put around it by the sentence's own measure."""
    hop = round(_FRAME * sample_rate)
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    energy = np.square(frames).mean(axis=1)
    if not energy.any():
        return samples[:0]
    loud = np.flatnonzero(energy > energy.max() * 10 ** (_SILENCE_DB / 10))
    return samples[max(0, loud[0] - _MARGIN) * hop : (loud[-1] + 1 + _MARGIN) * hop]

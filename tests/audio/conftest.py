"""Speech to mark: a synthetic voice that nobody marked."""

from __future__ import annotations

import numpy as np
import pytest

from idfacevc.audio.io import load_audio
from idfacevc.text.speakers.registry import base_speaker

TEXT = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell."


@pytest.fixture(scope="package")
def speech() -> np.ndarray:
    """(N,) at 16 kHz, six seconds by espeak."""
    return load_audio(base_speaker("espeak").synthesise(TEXT), 16000)

"""Speech without downloads (espeak's voices), a list of outputs made of it, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import Chrome

from idfacevc.audio.io import load_audio
from idfacevc.audio.output import save_recording
from idfacevc.evaluation.pairs import Pair, write_pairs
from idfacevc.text.speakers.registry import base_speaker
from tests.browser import open_browser

TEXTS = ("the quick brown fox jumps over the lazy dog", "please call stella and ask her to bring these things")


@pytest.fixture(scope="session")
def say() -> Callable[..., np.ndarray]:
    """Speech at 16 kHz of a text in a language's voice; other languages give other voices."""

    def speak(text: str, language: str = "en") -> np.ndarray:
        return load_audio(base_speaker("espeak", language).synthesise(text), 16000)

    return speak


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory, say: Callable[..., np.ndarray]) -> Path:
    """OUTPUTS.tsv with three targets, two sentences each; every output is its own reference."""
    folder = tmp_path_factory.mktemp("outputs")
    pairs = []
    for number, text in enumerate(TEXTS):
        save_recording(folder / f"source{number}.wav", say(text), 16000)
        for target in ("en", "de", "it"):
            name = f"{target}{number}.wav"
            save_recording(folder / name, say(text, target), 16000)
            pairs.append(Pair(f"source{number}.wav", "", f"{target}.png", name, target, "anna", text, name))
    table = folder / "outputs.tsv"
    write_pairs(
        table, pairs, ("source", "say", "face", "reference", "target", "source_speaker", "transcript", "output")
    )
    return table


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    chrome = open_browser(tmp_path)
    yield chrome
    chrome.quit()

"""Speech without downloads (espeak's voices), a list of outputs made of it, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from idfacevc.audio.io import load_audio
from idfacevc.audio.output import save_recording
from idfacevc.evaluation.pairs import Pair, write_pairs
from idfacevc.text.speakers.registry import base_speaker

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses its sandbox to root, who runs containers
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
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
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "saved")})
    chrome = Chrome(options, ChromeService(driver))
    yield chrome
    chrome.quit()

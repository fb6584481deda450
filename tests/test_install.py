"""A wheel of this checkout, installed by plain pip where nothing else is, converts from any folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from PIL import Image

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that is emptied at once: an environment with torch takes gigabytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_wheel_is_all_that_a_conversion_needs(place: Path, photo: Image.Image) -> None:
    wheels, environment, elsewhere = (place / name for name in ("wheels", "environment", "elsewhere"))
    elsewhere.mkdir()
    photo.save(elsewhere / "photo.jpg")
    _run(sys.executable, "-m", "venv", environment)
    pip, command = environment / "bin/pip", environment / "bin/idfacevc"
    _run(pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT)
    (wheel,) = wheels.glob("idfacevc-*.whl")
    _run(pip, "install", "--quiet", wheel)
    _run(pip, "check")
    _run(command, "convert", "--face", "photo.jpg", "--text", "Hello there.", "-o", "hello.wav", cwd=elsewhere)
    samples, rate = soundfile.read(elsewhere / "hello.wav")
    assert len(samples) > 0.3 * rate and abs(samples).max() > 0.01
    assert "nothing to fetch" in _run(command, "download", "--checkpoint", "demo", cwd=elsewhere)
    # no build tool at run time, and no warning of one
    _run(environment / "bin/python", "-W", "error", "-c", "import pyworld")
    # without the watermark's weights nothing is spoken unmarked, unless that is asked for
    _run(pip, "uninstall", "--quiet", "--yes", "resemble-perth")
    speak = [command, "convert", "--face", "photo.jpg", "--text", "Hello there.", "-o", "bare.wav"]
    refused = subprocess.run([str(part) for part in speak], cwd=elsewhere, capture_output=True, text=True)
    assert refused.returncode == 2 and "pip install resemble-perth" in refused.stderr
    assert refused.stderr.count("\n") == 1 and not (elsewhere / "bare.wav").exists()
    _run(*speak, "--no-watermark", cwd=elsewhere)
    assert (elsewhere / "bare.wav").exists()


def _run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout

"""The commands and the Python of README.md, run as a reader would, with the demo checkpoint."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from idfacevc.cli.main import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(
    not (ROOT / "checkpoints/demo/config.json").exists(), reason="checkpoints/demo is not in this checkout"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the files that the README's examples name."""
    from skimage.data import astronaut

    from idfacevc.text.speakers.registry import base_speaker

    Image.fromarray(astronaut()).save(tmp_path / "photo.jpg")
    samples, rate = base_speaker("espeak").synthesise("We can test this with a short sentence.")
    for name in ("recording.wav", "recording.m4a", "an-hour.mp3"):
        soundfile.write(tmp_path / name, samples, rate, format="WAV")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python(workplace):
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    samples, rate = soundfile.read(workplace / "hello.wav")
    assert rate == 16000 and len(samples) > 8000 and np.abs(samples).max() > 0.05
    assert (workplace / "anna.safetensors").exists()


def test_commands(workplace, capsys):
    lines = [line.split("#")[0] for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/idfacevc")]
    assert len(commands) == 4
    for command in commands:
        try:
            assert main(command) == 0
        except SystemExit as stop:  # --help
            assert stop.code == 0
    assert {path.name for path in workplace.iterdir()} >= {"hello.wav", "converted.flac", "converted.png"}


def test_the_named_files_exist():
    for name in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"`(recipes/[\w/.]+)", README):
        assert (ROOT / name).exists(), name

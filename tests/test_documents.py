"""The commands and the Python of README.md, run as a reader would, with the demo checkpoint; figures; open points."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from idfacevc.cli.main import main
from idfacevc.pipeline.system import obstacle

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
    assert rate == (16000 if obstacle() else 24000) and len(samples) > 8000 and np.abs(samples).max() > 0.05
    assert (workplace / "anna.safetensors").exists()


def test_commands(workplace, capsys):
    lines = [line.split("#")[0] for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/idfacevc")]
    assert len(commands) == 5
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


@pytest.fixture(scope="module")
def fill():
    spec = importlib.util.spec_from_file_location("fill", ROOT / "docs" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_come_out_of_the_results(fill):
    """`make docs` changes nothing: no figure between marks was written by hand."""
    results = json.loads(fill.RESULTS.read_text(encoding="utf-8"))
    for path in fill.documents():
        text = path.read_text(encoding="utf-8")
        assert fill.filled(text, results) == text, f"{path.relative_to(ROOT)}: run make docs"


def test_no_figure_outside_the_marks(fill):
    """Where the documents tell what was measured, numbers stand between marks."""
    for path in fill.documents():
        text = re.sub(
            r"<!-- (table|about|styles).*?<!-- end -->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        for section in re.findall(r"^## (?:Measured|Results)\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE):
            assert not [line for line in section.splitlines() if line.startswith("|")], path
            assert not re.search(r"\b0\.\d{2,}|\d\s%[^.]*WER", section), path


def test_figures_are_filled(fill):
    figure = {"metric": "p808", "title": "P.808", "condition": "text", "value": 3.456, "interval": [3.4, 3.5], "n": 3}
    share = figure | {"metric": "wer", "title": "WER", "value": 0.1234, "interval": None}
    other = figure | {"condition": "native", "value": 3.0}
    kept = {"command": "make it", "table": [["a"], ["1"]]}
    results = {"x": {"about": {}, "metrics": [figure, share, other]}, "kept": kept}
    text = "<!-- table x: wer, p808 | text -->\nold\n<!-- end -->\n<!-- about kept -->\n<!-- end -->\nplain"
    assert fill.filled(text, results).splitlines() == [
        "<!-- table x: wer, p808 | text -->",
        "|  | WER | P.808 |",
        "| --- | --- | --- |",
        "| text | 0.123 | 3.46 (3.40 to 3.50) |",
        "<!-- end -->",
        "<!-- about kept -->",
        "Measured by `make it`.",
        "<!-- end -->",
        "plain",
    ]
    assert fill.last_table(["| a |", "|---|", "| 1 |", "", "| b | c |", "| :-- | --: |", "| 2 | 3 |"]) == [
        ["b", "c"],
        ["2", "3"],
    ]


def test_open_points_that_the_code_cites_are_listed():
    listed = set(re.findall(r"^\| (\d+) \|", (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8"), re.MULTILINE))
    files = [*(ROOT / "idfacevc").rglob("*"), *(ROOT / "recipes").rglob("*")]
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix in (".py", ".yaml", ".sh")]
    cited = {number for text in texts for row in re.findall(r"OPEN ([\d, ]+)", text) for number in row.split(", ")}
    assert {number.strip() for number in cited} - {""} <= listed
    assert listed == {str(number) for number in range(1, 24)}


def test_files_that_documents_name_exist(fill):
    for path in fill.documents():
        for name in re.findall(r"\]\(((?!http)[^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / name).exists(), f"{path.relative_to(ROOT)}: {name}"

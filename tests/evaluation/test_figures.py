"""Figures, and that nothing heavy is imported before it is needed."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idfacevc.api import IDFaceVC
from idfacevc.evaluation import figures


def size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        return image.size


def test_panels_keep_their_order_and_scale() -> None:
    rng = np.random.default_rng(0)
    drawn = figures.mel_panels([(name, rng.normal(size=(80, 50 + 10 * i))) for i, name in enumerate("abcd")], 0.01)
    shown = [axis for axis in drawn.axes if axis.get_visible()]
    assert [axis.get_title() for axis in shown] == list("abcd")
    assert len({axis.images[0].get_clim() for axis in shown}) == 1
    assert shown[0].get_xlim() == pytest.approx((0.0, 0.8))  # the longest is shown whole
    assert size(figures.png(drawn))[0] > 100


def test_map_of_voices(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.new("RGB", (30, 40)).save(tmp_path / "a.png")
    embeddings, owners = rng.normal(size=(12, 256)), ["a", "b"] * 6
    drawn = figures.voices_map(embeddings, owners, {"a": str(tmp_path / "a.png"), "b": "none.png"})
    assert drawn is not None
    assert len(drawn.axes[0].artists) == 1  # one face could be read
    assert figures.voices_map(embeddings[:7], owners[:7], {}) is None


def test_no_scores_no_histogram() -> None:
    assert figures.distributions({"UTMOS": []}) is None
    assert figures.distributions({"UTMOS": [], "SECS": [0.5, 0.6]}) is not None
    assert figures.distributions({"SECS": [1.0, 1.0, np.nextafter(1.0, 2.0)]}) is not None


def test_figures_of_the_method(tiny_bundle: Path, photo_path: Path) -> None:
    system = IDFaceVC.from_pretrained(tiny_bundle)
    drawn = figures.method_figures(system, [str(photo_path), str(photo_path)], text="Good day.")
    assert list(drawn) == ["Styles and speeds", "Faces", "From face to face"]
    assert all(size(figures.png(figure))[0] > 300 for figure in drawn.values())
    assert len(drawn["Styles and speeds"].axes) == 6


@pytest.mark.parametrize("module", ["idfacevc.cli.evaluate", "idfacevc.evaluation.run", "recipes.demo.evaluate.run"])
def test_imports_stay_light(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"matplotlib", "whisper", "resemblyzer", "sklearn", "pocketsphinx", "jiwer", "speechmos", "onnxruntime"}
    assert not heavy & set(loaded)

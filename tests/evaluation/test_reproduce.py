"""Tables 2 and 3 beside what was measured."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from idfacevc.api import IDFaceVC
from idfacevc.errors import InputError
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.reproduce import reproduce
from idfacevc.text.speakers.registry import base_speaker
from tests.evaluation.conftest import TEXTS


def run(name: str, bundles: dict[str, Path], pairs: list[Pair] | None, out: Path) -> str:
    return reproduce(
        name,
        bundles,
        pairs,
        out,
        lambda folder: partial(IDFaceVC.from_pretrained, folder),
        base_speaker("espeak").synthesise,
        1,
    )


def test_without_checkpoints_the_paper_stands_alone(tmp_path: Path) -> None:
    table = run("table2", {"demo": tmp_path}, None, tmp_path)
    assert table.count("not run: no checkpoint") == 6 * 6
    assert "| ID-FaceVC | audio | 3.286 |" in table and "| ID-FaceVC | text | 3.454 |" in table
    table = run("table3", {}, None, tmp_path)
    assert table.count("not run: no checkpoint") == 6 * 4
    assert "SEC " not in table


def test_a_checkpoint_needs_pairs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--pairs"):
        run("table3", {"id-facevc": tmp_path}, None, tmp_path)


def test_outputs_are_for_a_row_of_the_table(tmp_path: Path) -> None:
    rows = {"facetts": tmp_path / "outputs.tsv"}
    with pytest.raises(InputError, match="table3 has no row facetts; its rows are id-facevc-wo-iaq-cl"):
        reproduce("table3", {}, None, tmp_path, lambda _: None, base_speaker("espeak").synthesise, 1, rows)


@pytest.mark.slow
def test_a_checkpoint_is_measured(tiny_bundle: Path, photo_path: Path, outputs: Path, tmp_path: Path) -> None:
    folder = outputs.parent
    pairs = [
        Pair(str(folder / "source0.wav"), "", str(photo_path), str(folder / f"{target}0.wav"), target, "ben", TEXTS[0])
        for target in ("en", "de")
    ]
    table = run("table2", {"id-facevc": tiny_bundle}, pairs, tmp_path)
    row = next(line for line in table.splitlines() if line.startswith("| ID-FaceVC | audio"))
    assert "not available: the UTMOS weights" in row
    assert "| 0.713 | 0." in row

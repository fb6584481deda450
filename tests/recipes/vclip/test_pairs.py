"""Heads out of the shards of a corpus, with planted pairs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from idfacevc.data.corpora.item import Item
from idfacevc.data.shards import write_index, write_shard
from recipes.vclip import pairs


def write_pairs(folder: Path, people: int, clips: int) -> Path:
    """Shards of people, of whom face and voice share six numbers; every fifth is of the split valid."""
    rng = np.random.default_rng(0)
    sides = [rng.normal(size=(6, dim)) for dim in (20, 16)]
    rows = []
    for person in range(people):
        own = rng.normal(size=6)
        for clip in range(clips):
            face, voice = (own @ side + 0.3 * rng.normal(size=side.shape[1]) for side in sides)
            split = "valid" if person % 5 == 0 else "train"
            item = Item(f"p{person}-{clip}", f"p{person}", split, "", gender="fm"[person % 2])
            rows.append((item, {"face": face[None, None].astype(np.float32), "speech": voice[None].astype(np.float32)}))
    folder.mkdir()
    write_shard(folder / "shard-00000.safetensors", rows, [], "test")
    write_index(folder, [folder / "shard-00000.safetensors"])
    return folder


@pytest.mark.parametrize("head", ["mlp", "realnvp"])
def test_planted_pairs_are_found_on_people_whom_the_training_did_not_see(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    features, out = write_pairs(tmp_path / "features", 60, 4), tmp_path / "heads.safetensors"
    line = ["pairs", "--features", str(features), "--out", str(out), "--voice-head", head, "--dim", "16"]
    line += ["--batch", "64", "--epochs", "25", "--cells", "0.5", "--mined", "1"]
    for more in ([], ["--judge", str(out)]):
        monkeypatch.setattr(sys, "argv", [*line, *more])
        pairs.main()
    said = capsys.readouterr().out.splitlines()
    (row,) = [one for one in said if one.startswith("| AUC, same gender") and one.count("|") == 4]
    values = [float(cell.split()[0]) for cell in row.strip("| ").split("|")[1:]]
    assert values[0] == values[1] > 0.75  # the judge is the same heads, trained once more with the same seed

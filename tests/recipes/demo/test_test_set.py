"""The demo's test set: what is in the list, and that no training saw it."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from idfacevc.evaluation.pairs import Pair, read_pairs
from recipes.demo.corpora import kept_out, read_utterances
from recipes.demo.evaluate.test_set import (
    ACCENTED,
    CROPS,
    NATIVE,
    TEXT,
    accented_sources,
    crop_variants,
    native_sources,
    write_test_set,
)


def test_crops_of_one_picture() -> None:
    place = np.arange(80)
    ramp = np.repeat(np.broadcast_to(40 + 2 * place, (80, 80))[..., None], 3, axis=2).astype(np.uint8)
    variants = crop_variants(ramp)
    assert set(variants) == {"mirror", "darker", "turned", "larger"}
    assert all(image.shape == ramp.shape and image.dtype == np.uint8 for image in variants.values())
    np.testing.assert_array_equal(variants["mirror"][:, ::-1], ramp)
    assert abs(variants["darker"].mean() / ramp.mean() - 0.75) < 0.01
    # Enlarged by 25 % about the middle the ramp rises by 2 / 1.25 a pixel, turned by 2 cos 10° along the row.
    middle = slice(20, 60)
    for name, rise in (("larger", 2 / 1.25), ("turned", 2 * np.cos(np.pi / 18))):
        row = variants[name][40, middle, 0].astype(float)
        assert abs(np.polyfit(place[middle], row, 1)[0] - rise) < 0.02
        assert abs(variants[name][39:41, 39:41, 0].mean() - ramp[39:41, 39:41, 0].mean()) < 2


@pytest.fixture(scope="module")
def listed(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    return read_pairs(write_test_set(corpora, tmp_path_factory.mktemp("set"), 8))


def test_sources_are_new_to_the_model(corpora: Path, listed: list[Pair]) -> None:
    trained = {
        row.speaker
        for row in read_utterances(corpora)
        if row.split == "train" and not kept_out(row.corpus, row.speaker)
    }
    assert not {pair.source_speaker for pair in listed} & trained
    for sources in (native_sources(corpora), accented_sources(corpora)):
        assert len(sources) >= 24 and len({one.speaker for one in sources}) == len(sources)
        assert {one.gender for one in sources[::2]} == {"f"} and {one.gender for one in sources[1::2]} == {"m"}


def test_every_condition_compares_people_of_one_group(listed: list[Pair]) -> None:
    assert list(dict.fromkeys(pair.condition for pair in listed)) == [NATIVE, ACCENTED, TEXT, CROPS]
    for condition in (NATIVE, ACCENTED, TEXT):
        own = [pair for pair in listed if pair.condition == condition]
        assert len({pair.target for pair in own}) == len(own) == 32  # no face is used twice
        groups = Counter((pair.utterance, pair.face_gender, pair.face_age) for pair in own)
        assert len(groups) == 16 and set(groups.values()) == {2}
    crops = Counter((pair.utterance, pair.target) for pair in listed if pair.condition == CROPS)
    assert len(crops) == 8 and set(crops.values()) == {5}


def test_the_list_is_the_same_every_time(corpora: Path, tmp_path: Path) -> None:
    tables = [write_test_set(corpora, tmp_path / name, 3).read_bytes() for name in ("a", "b")]
    assert tables[0] == tables[1]
    with (tmp_path / "a" / "demo.tsv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert all((tmp_path / "a" / row["face"]).is_file() for row in rows)

"""Which voices faces are given: those that others are converted to well."""

from pathlib import Path

import numpy as np
import pytest

from idfacevc.data.corpora.item import Item
from idfacevc.data.shards import FeatureStore, write_index, write_shard
from idfacevc.errors import InputError
from recipes.demo.items import candidates, read_voices, well_spoken

GOOD = {"move": 0.2, "gender": 1.0, "words": 0.2}


def test_half_of_the_speakers_are_kept_and_the_better_half() -> None:
    found = {f"s{number}": {**GOOD, "move": 0.01 * number} for number in range(8)}
    assert set(well_spoken("f-adult", sorted(found), found)) == {"s4", "s5", "s6", "s7"}
    found = {f"s{number}": {**GOOD, "words": 0.01 * number} for number in range(8)}
    assert set(well_spoken("f-adult", sorted(found), found)) == {"s0", "s1", "s2", "s3"}


def test_a_voice_of_the_other_gender_comes_last_unless_it_is_a_childs() -> None:
    found = {f"s{number}": {**GOOD, "move": 0.01 * number} for number in range(8)}
    found["s7"]["gender"] = 0.5
    assert "s7" not in well_spoken("m-adult", sorted(found), found)
    assert "s7" in well_spoken("m-child", sorted(found), found)


def test_a_small_group_keeps_three() -> None:
    found = {f"s{number}": dict(GOOD) for number in range(4)}
    assert len(well_spoken("m-young", sorted(found), found)) == 3
    assert len(well_spoken("m-young", ["s0", "s1"], found)) == 2


def test_a_table_of_other_speakers_is_refused() -> None:
    with pytest.raises(InputError, match="lacks s2"):
        well_spoken("f-adult", ["s1", "s2"], {"s1": dict(GOOD)})


def test_candidates_have_twenty_seconds_of_the_training_split(tmp_path: Path) -> None:
    def clip(name: str, speaker: str, frames: int, split: str = "train") -> tuple[Item, dict[str, np.ndarray]]:
        return Item(name, speaker, split, gender="f", age="30"), {"mel": np.zeros((frames, 80))}

    rows = [clip("a", "long", 1200), clip("b", "long", 900), clip("c", "short", 1900), clip("d", "held", 3000, "valid")]
    write_shard(tmp_path / "shard-00000.safetensors", rows, [], "test")
    write_index(tmp_path, [tmp_path / "shard-00000.safetensors"])
    assert candidates(FeatureStore(tmp_path)) == {"f-adult": {"long": [0, 1]}}


@pytest.mark.parametrize("content", [None, "speaker\tmove\ns1\t0.1\n", "speaker\tmove\tgender\twords\ns1\tx\t1\t1\n"])
def test_another_table_is_refused(tmp_path: Path, content: str | None) -> None:
    table = tmp_path / "voices.tsv"
    if content is not None:
        table.write_text(content)
    with pytest.raises(InputError, match="no table of voices"):
        read_voices(table)


def test_the_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "voices.tsv").write_text("speaker\tmove\tgender\twords\ns1\t0.1\t1\t0.25\n")
    assert read_voices(tmp_path / "voices.tsv") == {"s1": {"move": 0.1, "gender": 1.0, "words": 0.25}}

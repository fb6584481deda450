"""A table of written forms and what one says, one kind after another; " | " stands between sentences."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from idfacevc.text.normalise import sentences

with (Path(__file__).parent / "readings.tsv").open(encoding="utf-8", newline="") as file:
    READINGS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("kind", sorted({row["kind"] for row in READINGS}))
def test_a_kind_of_writing_is_read_as_one_says_it(kind):
    rows = [row for row in READINGS if row["kind"] == kind]
    said = {row["written"]: " | ".join(one.text for one in sentences(row["written"])) for row in rows}
    assert said == {row["written"]: row["said"] for row in rows}


def test_the_table_is_wide():
    assert len({row["written"] for row in READINGS}) >= 400
    assert len({row["kind"] for row in READINGS}) >= 25


# whose place in a sentence counts
ALONE = ("markdown", "sums", "streets", "abbreviations", "addresses", "symbols")
WITHIN = [row for row in READINGS if "|" not in row["said"] and row["kind"] not in ALONE]


@pytest.mark.parametrize("row", WITHIN, ids=lambda row: row["written"])
def test_a_reading_holds_within_a_sentence(row):
    """What stands around a form does not change what is said, unless the form ends a sentence or begins one."""
    said = " ".join(one.text for one in sentences(f"We saw that, {row['written']}, and then more."))
    assert row["said"].rstrip(".") in said

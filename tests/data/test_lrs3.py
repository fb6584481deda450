"""Lines of FVMVC's speaker lists."""

from __future__ import annotations

import pytest

from idfacevc.data.corpora.lrs3 import Speaker, parse_speaker, parse_speakers
from idfacevc.errors import InputError


@pytest.mark.parametrize(
    ("line", "speaker"),
    [
        ("sxnlvwprfSc-00002-M", Speaker("sxnlvwprfSc", "00002", "m")),
        ("ZJNESMhIxQ0-F", Speaker("ZJNESMhIxQ0", "", "f")),
        ("-a_b-c_d-e--00010-F\n", Speaker("-a_b-c_d-e-", "00010", "f")),
        ("_-_-_-_-_-_-M", Speaker("_-_-_-_-_-_", "", "m")),
        ("abcde-00002-F", Speaker("abcde-00002", "", "f")),  # an id that ends like a clip
        ("abcde-00002-00001-M", Speaker("abcde-00002", "00001", "m")),
    ],
)
def test_ids_may_hold_what_separates(line: str, speaker: Speaker) -> None:
    assert parse_speaker(line) == speaker


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n \r\n"])
def test_ends_of_lists(end: str) -> None:
    speakers = parse_speakers(f"\nxTkKSJSqUSI-M\n\nmgcjr1yz7ow-M{end}")
    assert [speaker.id for speaker in speakers] == ["xTkKSJSqUSI", "mgcjr1yz7ow"]


@pytest.mark.parametrize(
    "line",
    ["", "ZJNESMhIxQ0", "ZJNESMhIxQ-F", "ZJNESMhIxQ00-F", "ZJNESMhIxQ0-X", "ZJNESMhIxQ0-clip-F", "ZJNESMh!xQ0-F"],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(InputError, match="is no speaker") as error:
        parse_speakers(f"ZJNESMhIxQ0-F\n{line}\n") if line else parse_speaker(line)
    assert repr(line) in str(error.value)

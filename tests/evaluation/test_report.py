"""The worst outputs of a list."""

from __future__ import annotations

import re

from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.report import WORST, worst


def pair(face: str, speaker: str) -> Pair:
    """A row without files."""
    return Pair("", f"text of {speaker}", f"{face}.png", "", face, speaker, "")


def names(table: str) -> list[str]:
    return re.findall(r'<th scope="row">([^<]*)</th>', table)


def test_the_worst_face_and_source_come_first() -> None:
    faces, speakers = [f"face{number:02d}" for number in range(15)], ("near", "far")
    pairs = [pair(face, speaker) for face in faces for speaker in speakers]
    rows = [
        {"p808": 4 - number / 10 - (one.source_speaker == "far") / 100, "words_changed": number / 20}
        for number in range(15)
        for one in pairs[2 * number : 2 * number + 2]
    ]
    assert names(worst("faces", pairs, rows)) == faces[: -WORST - 1 : -1]
    assert names(worst("sources", pairs, rows)) == ["far", "near"]
    assert names(worst("faces", pairs, [{"words_changed": row["words_changed"]} for row in rows]))[0] == faces[-1]


def test_without_scores_there_are_no_worst_outputs() -> None:
    assert worst("faces", [pair("a", "b")], [{"p808": ""}]) == ""

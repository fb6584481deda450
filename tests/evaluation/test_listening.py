"""Listening tests: what the folder holds, and what answers say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from idfacevc.errors import InputError
from idfacevc.evaluation.listening import make_test, read_answers
from idfacevc.evaluation.pairs import read_outputs

GENDERS = {"en": "m", "de": "m", "it": "f"}


@pytest.fixture(scope="module")
def made(outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listening")
    pairs = []
    for pair in read_outputs(outputs):
        picture = folder / Path(pair.face).name
        picture.write_bytes(pair.target.encode())
        pairs.append(replace(pair, face=str(picture)))
    assert make_test(pairs, GENDERS, folder / "test", sets=4) == 16
    return folder / "test"


def questions(made: Path) -> list[dict]:
    return json.loads((made / "test.json").read_text(encoding="utf-8"))


def save(path: Path, answers: dict[str, object]) -> Path:
    path.write_text(json.dumps({"rater": "anna", "answers": answers}), encoding="utf-8")
    return path


def test_folder_is_complete_and_tells_nothing(made: Path) -> None:
    page = (made / "index.html").read_text(encoding="utf-8")
    named = {file for one in questions(made) for file in [*one["shown"].values(), *one["options"]]}
    assert named and all((made / file).is_file() for file in named)
    assert not re.search(r"https?://|\ben0|\bde0|\bit0", page)
    assert all(re.fullmatch(r"media/[0-9a-f]{12}\.(mp3|png)", file) for file in named)
    assert "/*DATA*/" not in page


def test_choices_differ_and_share_the_gender_where_they_can(made: Path) -> None:
    for one in questions(made):
        if one["kind"] == "voice_to_face":
            right, wrong = ((made / file).read_bytes().decode() for file in one["options"])
            assert right != wrong
            if right != "it":
                assert GENDERS[right] == GENDERS[wrong]


def test_answers_become_means(made: Path, tmp_path: Path) -> None:
    ratings = {one["id"]: 4 for one in questions(made) if one["kind"] == "nmos"}
    choices = {one["id"]: 0 for one in questions(made) if one["kind"] == "face_to_voice"}
    first = save(tmp_path / "first.json", {**ratings, **choices})
    second = save(tmp_path / "second.json", {**dict.fromkeys(ratings, 2), **dict.fromkeys(choices, 1)})
    figures = {figure.info.name: figure for figure in read_answers(made, [first, second])}
    nmos, chosen = figures["nmos"].estimate, figures["face_to_voice"].estimate
    assert nmos is not None and chosen is not None
    assert (nmos.value, nmos.low, nmos.high, nmos.n, nmos.speakers) == (3, 2, 4, 8, 2)
    assert chosen.value == 0.5
    assert figures["smos"].text.startswith("not available")
    alone = {figure.info.name: figure for figure in read_answers(made, [first])}["nmos"].estimate
    assert alone is not None and (alone.value, alone.speakers) == (4, 4)


ODD = [{"nmos-0": value} for value in (6, "5", [5], True, 4.0, None)]


@pytest.mark.parametrize("answers", [*ODD, {"face-0": 2}, {"other": 1}])
def test_answers_of_another_test_are_refused(made: Path, tmp_path: Path, answers: dict[str, object]) -> None:
    with pytest.raises(InputError, match="fits no question"):
        read_answers(made, [save(tmp_path / "answers.json", answers)])


def test_files_that_are_no_answers(made: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("[1, 2")
    with pytest.raises(InputError, match="not a file of answers"):
        read_answers(made, [broken])
    with pytest.raises(InputError, match="holds no listening test"):
        read_answers(tmp_path, [broken])


def test_a_missing_face_is_named(outputs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        make_test(read_outputs(outputs), GENDERS, tmp_path, sets=2)


@pytest.mark.parametrize("content", ['{"answers": [1]}', '{"answers": 3}', "[]", "null", "", '{"answers": {"a": 1}'])
def test_answers_of_wrong_form_are_refused(made: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(InputError, match=r"odd\.json"):
        read_answers(made, [tmp_path / "odd.json"])


@pytest.mark.parametrize("content", ["{}", "[1]", '[{"id": "a"}]', '[{"id": "a", "kind": "b", "options": []}]', "[["])
def test_a_damaged_test_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "test.json").write_text(content)
    with pytest.raises(InputError, match="holds no listening test"):
        read_answers(tmp_path, [])

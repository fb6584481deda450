"""The page of a listening test in a real browser: answered by keyboard alone, saved, and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from idfacevc.cli.main import main
from idfacevc.evaluation.listening import make_test
from idfacevc.evaluation.pairs import read_outputs
from tests.browser import wait

LOADED = """
const media = [...document.querySelectorAll("img, audio")];
return media.length > 0 && media.every((one) => one.naturalWidth > 0 || one.readyState > 0);
"""


@pytest.fixture
def folder(outputs: Path, tmp_path: Path) -> Path:
    pairs = []
    for pair in read_outputs(outputs):
        face = tmp_path / Path(pair.face).name
        Image.new("RGB", (32, 32), "teal").save(face)
        pairs.append(replace(pair, face=str(face)))
    make_test(pairs, {"en": "m", "de": "m", "it": "f"}, tmp_path / "test", sets=2)
    return tmp_path / "test"


def press(browser: Chrome, *keys: str) -> None:
    """Type into whatever has the focus."""
    browser.switch_to.active_element.send_keys(*keys)


def answer(browser: Chrome, number: int) -> str:
    """Answer the question on the page: the right voice, the wrong face, ratings 4 and 5 in turn. Returns its words."""
    question = browser.find_element(By.TAG_NAME, "legend").text
    wanted = "0" if question.startswith("Which voice") else "1" if question.startswith("Which face") else 4 + number % 2
    values = [one.get_attribute("value") for one in browser.find_elements(By.NAME, "answer")]
    press(browser, str(values.index(str(wanted)) + 1), Keys.ENTER)
    return question


def test_answered_by_keyboard_and_read_back(
    browser: Chrome, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    browser.get((folder / "index.html").as_uri())
    press(browser, "anna b", Keys.ENTER)
    asked = []
    for number in range(8):
        assert browser.find_element(By.TAG_NAME, "p").text == f"Question {number + 1} of 8"
        wait(lambda: browser.execute_script(LOADED))
        asked.append(answer(browser, number))
    assert {asked.count(question) for question in asked} == {2}

    press(browser, Keys.ENTER)
    saved = tmp_path / "saved" / "answers-anna_b.json"
    wait(saved.is_file)
    given = json.loads(saved.read_text(encoding="utf-8"))
    assert given["rater"] == "anna b" and len(given["answers"]) == 8

    assert main(["evaluate", "listening-test", "--read", str(folder), str(saved)]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    _, nmos, _, voice, face = (cell.strip() for cell in row.strip("|").split("|"))
    ratings = [value for key, value in given["answers"].items() if key.startswith("nmos")]
    assert nmos == f"{sum(ratings) / 2:.3f} ({min(ratings):.3f}–{max(ratings):.3f})"
    assert (voice, face) == ("1.000 (1.000–1.000)", "0.000 (0.000–0.000)")

"""The page of an evaluation: what it shows, and that it fits a narrow window."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from idfacevc.evaluation.measurement import Measurement
from idfacevc.evaluation.metrics.base import MetricInfo, RatioMetric
from idfacevc.evaluation.pairs import Pair, read_outputs
from idfacevc.evaluation.report import WORST, worst, write_report
from idfacevc.evaluation.scores import Scores


@pytest.fixture
def pairs(outputs: Path, tmp_path: Path) -> list[Pair]:
    """Six rows, of which three have a face that is there."""
    Image.new("RGB", (300, 200), "teal").save(tmp_path / "face.png")
    rows = read_outputs(outputs)
    return [replace(row, face=str(tmp_path / "face.png")) if index % 2 else row for index, row in enumerate(rows)]


def write(path: Path, pairs: list[Pair], findings: Scores) -> str:
    metrics = []
    for number in range(8):
        metric = RatioMetric()
        metric.info = MetricInfo(f"m{number}", f"A figure {number}", "share", "higher", (0, 1), "offline", "here")
        if number:
            metric.add(1.0, "anna")
        metrics.append(Measurement.of("outputs", metric, "a model"))
    write_report(path, {"Figures": metrics}, {"checkpoint_sha256": "0" * 64}, pairs, [{} for _ in pairs], findings, {})
    return path.read_text(encoding="utf-8")


def test_faces_stand_beside_their_voices(pairs: list[Pair], tmp_path: Path) -> None:
    page = write(tmp_path / "report.html", pairs, Scores())
    rows = page.split("<article>")[1:]
    assert len(rows) == 6
    assert [row.startswith("<img") for row in rows] == [False, True] * 3
    assert all(row.count("<audio") == 3 for row in rows)


def test_a_map_that_is_missing_is_explained(pairs: list[Pair], tmp_path: Path) -> None:
    assert "Not drawn: the offline tier" in write(tmp_path / "report.html", pairs, Scores())
    few = Scores(embeddings={pair.output: np.ones(256) for pair in pairs})
    assert "at least 8 outputs, and there are 6" in write(tmp_path / "report.html", pairs, few)


def test_nothing_is_scrolled_sideways_in_a_narrow_window(browser: Chrome, pairs: list[Pair], tmp_path: Path) -> None:
    write(tmp_path / "report.html", pairs, Scores())
    device = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.execute_script("return innerWidth") == 400
    for one in [browser.find_element(By.TAG_NAME, "html"), *browser.find_elements(By.CSS_SELECTOR, "table, article")]:
        assert browser.execute_script("return arguments[0].scrollWidth", one) <= 400


def pair(face: str, speaker: str) -> Pair:
    """A row without files."""
    return Pair("", f"text of {speaker}", f"{face}.png", "", face, speaker, "")


def names(table: str) -> list[str]:
    return re.findall(r"<h3>([^<,]*),", table)


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

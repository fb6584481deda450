"""From a list to the report, with real speech, real analysers and a real (untrained) bundle."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idfacevc.api import IDFaceVC
from idfacevc.cli.main import main
from idfacevc.errors import InputError
from idfacevc.evaluation.convert import Converted, convert_pairs
from idfacevc.evaluation.measurement import write_results
from idfacevc.evaluation.pairs import Pair, read_outputs
from idfacevc.evaluation.run import measure, missing_lines
from idfacevc.text.speakers.registry import base_speaker
from tests.evaluation.conftest import TEXTS

Parts = tuple[Path, dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture(scope="module")
def measured(outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of results of `outputs`, every tier, and the figures by (metric, condition)."""
    out = tmp_path_factory.mktemp("results")
    measure(Converted(read_outputs(outputs), {}), out, "all", 1, {"list": "a test"})
    records = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    return out, {(record["metric"], record["condition"]): record for record in records}


def test_outputs_that_are_their_own_reference(measured: tuple[Path, dict[str, Any]]) -> None:
    _, figures = measured
    assert figures["secs", "outputs"]["value"] == pytest.approx(1, abs=1e-6)
    assert figures["lf0_correlation", "outputs"]["value"] == pytest.approx(1)
    assert figures["face_voice_fit", "outputs"]["value"] == 1
    assert figures["secs", "random-face control"]["value"] < 0.99
    assert figures["sed", "outputs"]["value"] == pytest.approx(figures["sed", "outputs"]["value"])
    assert 0 < figures["secs", "source recordings"]["value"] < 1


def test_chance_and_controls_are_explained(measured: tuple[Path, dict[str, Any]]) -> None:
    out, figures = measured
    chance = figures["closed_set", "guessing among the sentences"]
    assert (chance["value"], chance["interval"], chance["n"]) == (0.5, None, 8)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "guessing among the sentences" in page and "The two controls convert nothing anew" in page


def test_every_figure_is_described(measured: tuple[Path, dict[str, Any]]) -> None:
    for record in measured[1].values():
        assert record["unit"] and record["tier"] in ("offline", "paper")
        assert record["direction"] in ("higher", "lower", "none")
        if record["value"] is None:
            assert record["reason"]
        else:
            assert record["model"] and record["n"] > 0
            low, high = record["interval"] or (record["value"], record["value"])
            assert low <= record["value"] + 1e-9 and record["value"] <= high + 1e-9


def test_what_cannot_run_says_so(measured: tuple[Path, dict[str, Any]], outputs: Path, tmp_path: Path) -> None:
    out, figures = measured
    assert "two pictures" in figures["sec", "outputs"]["reason"]
    assert "no transcript" in figures["wer", "other recordings of the true speaker"]["reason"]
    assert "not available: " in (out / "report.html").read_text(encoding="utf-8")
    one_speaker = [pair for pair in read_outputs(outputs) if pair.target == "en"]
    sections = measure(Converted(one_speaker, {}), tmp_path, "offline", 1, {})
    lines = missing_lines(sections)
    assert any("SED compares speakers and the list has only one" in line for line in lines)
    assert any("face-voice fit compares targets and the list has only one" in line for line in lines)


def test_tiers_share_no_column(measured: tuple[Path, dict[str, Any]]) -> None:
    tiers: dict[str, set[str]] = {}
    for metric, _ in measured[1]:
        tiers.setdefault(metric, set()).update(r["tier"] for (m, _), r in measured[1].items() if m == metric)
    assert all(len(own) == 1 for own in tiers.values())
    assert tiers["utmos"] == tiers["whisper_wer"] == {"paper"}


def test_scores_hold_one_row_an_output(measured: tuple[Path, dict[str, Any]], outputs: Path) -> None:
    with (measured[0] / "scores.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["output"] for row in rows] == [Path(pair.output).name for pair in read_outputs(outputs)]
    assert all(float(row["secs"]) == pytest.approx(1, abs=1e-6) for row in rows)
    assert str(outputs.parent) not in (measured[0] / "scores.csv").read_text(encoding="utf-8")


class _Page(HTMLParser):
    """Collects what a page refers to and checks that elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_report_needs_nothing_beside_it(measured: tuple[Path, dict[str, Any]]) -> None:
    text = (measured[0] / "report.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.references and all(reference.startswith("data:") for reference in page.references)
    assert sum(reference.startswith("data:audio/mpeg") for reference in page.references) == 18 + 6 + 4
    assert not re.search(r"@import|url\(", text)


@pytest.fixture(scope="module")
def parts(
    outputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[tuple[str, str], dict[str, Any]]]:
    """A list in two parts without true speech: "same" leaves each source as it is, "other" gives other voices."""
    out = tmp_path_factory.mktemp("parts")
    pairs = [
        replace(
            pair,
            reference="",
            output=pair.source if condition == "same" else pair.output,
            condition=condition,
            face_gender="m",
            face_age="20-29" if pair.target == "it" else "30-39",
        )
        for condition in ("same", "other")
        for pair in read_outputs(outputs)
        if condition == "other" or pair.target == "en"
    ]
    (out / "results.json").write_text('{"old": {"metrics": []}}')
    measure(Converted(pairs, {}), out, "offline", 1, {"list": "parts.tsv"}, results=out / "results.json")
    records = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    return out, {(record["metric"], record["condition"]): record for record in records}


def test_each_part_of_a_list_has_its_own_rows(parts: Parts, outputs: Path) -> None:
    _, figures = parts
    value = {key: record["value"] for key, record in figures.items()}
    assert value["words_changed", "same"] == 0 and value["words_changed", "other"] >= 0
    assert value["secs_source", "same"] == pytest.approx(1, abs=1e-6) and value["secs_source", "other"] < 0.99
    assert value["contour_correlation", "same"] == pytest.approx(1)
    assert value["p808", "same"] == pytest.approx(value["p808", "same: source recordings"])
    assert ("p808", "other: source recordings") not in value  # the same recordings, which have a row already
    assert ("sed_group", "same") not in value and value["sed_group", "other"] < 1
    assert not {metric for metric, _ in value} & {"secs", "face_voice_fit"}  # they need true speech
    assert {"p808", "dnsmos"} <= {metric for metric, condition in value if condition == "other"}


def test_results_for_the_documents(parts: Parts, tmp_path: Path) -> None:
    out, figures = parts
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert set(results) == {"old", "parts"}
    kept = {(record["metric"], record["condition"]): record["value"] for record in results["parts"]["metrics"]}
    assert kept == {key: record["value"] for key, record in figures.items() if record["value"] is not None}
    (tmp_path / "results.json").write_text("no results")
    with pytest.raises(InputError, match="is no file of results"):
        write_results(tmp_path / "results.json", "x", [], {})


def test_second_run_looks_at_nothing_again(
    measured: tuple[Path, dict[str, Any]], outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idfacevc.evaluation.metrics.embedding import SpeakerEncoder

    before = (measured[0] / "scores.csv").read_bytes()

    def fail(*_: Any) -> None:
        raise AssertionError("an analyser ran although the cache knows every file")

    monkeypatch.setattr(SpeakerEncoder, "many", fail)
    measure(Converted(read_outputs(outputs), {}), measured[0], "offline", 1, {})
    assert (measured[0] / "scores.csv").read_bytes() == before


def test_pairs_are_converted_once_with_their_floors(
    tiny_bundle: Path, photo_path: Path, outputs: Path, tmp_path: Path
) -> None:
    source = str(outputs.parent / "source0.wav")
    reference = str(outputs.parent / "en0.wav")
    pairs = [
        Pair(source, "", str(photo_path), reference, "anna", "ben", TEXTS[0]),
        Pair("", "good day", str(photo_path), reference, "anna", "espeak", "good day"),
    ]
    load = partial(IDFaceVC.from_pretrained, tiny_bundle)
    speak: Callable[[str], tuple[np.ndarray, int]] = base_speaker("espeak").synthesise
    converted = convert_pairs(pairs, tiny_bundle, tmp_path, load, speak, 1)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "audio").rglob("*.wav")}
    assert {Path(pair.output) for pair in converted.pairs} < set(files)
    assert set(map(Path, converted.copies.values())) < set(files)
    assert converted.pairs[1].say == "good day" and Path(converted.pairs[1].source) in files

    def refuse() -> IDFaceVC:
        raise AssertionError("the converter was loaded although every output is there")

    assert convert_pairs(pairs, tiny_bundle, tmp_path, refuse, speak, 1) == converted
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_a_list_with_nothing_optional(outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three outputs of another system, without texts and without the pictures."""
    rows = [("source0.wav", f"{name}.png", f"{name}1.wav", name, "anna", f"{name}0.wav") for name in ("en", "de", "it")]
    for path in outputs.parent.glob("*.wav"):
        (tmp_path / path.name).symlink_to(path)
    lines = [("source", "face", "reference", "target", "source_speaker", "output"), *rows]
    table = tmp_path / "list.tsv"
    table.write_text("\r\n".join("\t".join(line) for line in lines), encoding="utf-8-sig")
    assert main(["evaluate", "outputs", str(table), "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    streams = capsys.readouterr()
    assert "| outputs |" in streams.out and "guessing" not in streams.out
    assert "WER of outputs" in streams.err and "the list gives no transcript for it" in streams.err
    assert (tmp_path / "out" / "report.html").is_file()


def test_command_line(outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "outputs.tsv"
    lines = outputs.read_text(encoding="utf-8").splitlines()[:3]
    folder = outputs.parent
    short.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in folder.glob("*.wav"):
        (tmp_path / path.name).symlink_to(path)
    assert main(["evaluate", "outputs", str(short), "--tier", "paper", "--out", str(tmp_path / "out")]) == 0
    streams = capsys.readouterr()
    assert "UTMOS ↑" in streams.out and "DNSMOS" not in streams.out
    assert "not available: " in streams.err

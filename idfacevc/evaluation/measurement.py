"""Measured figures and the files that hold them: metrics.json, scores.csv, results for the documents, tables."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import Estimate, MetricInfo, Unavailable
from idfacevc.files import replacing, write_whole

_ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


class Metric(Protocol):
    """A metric: its description and its estimate."""

    info: Any

    def compute(self) -> Estimate: ...


@dataclass(frozen=True)
class Measurement:
    """One cell of a table.

    Attributes:
        condition: Row of the table, such as "outputs" or "source recordings".
        info: Description of the metric.
        model: Name and version of the model behind the metric.
        estimate: Value and interval; None where the figure could not be given.
        reason: Reason for a missing estimate; empty otherwise.
    """

    condition: str
    info: MetricInfo
    model: str
    estimate: Estimate | None
    reason: str = ""

    @classmethod
    def of(cls, condition: str, metric: Metric, model: str) -> Measurement:
        """Compute `metric`, or keep the reason why it cannot be."""
        try:
            return cls(condition, metric.info, model, metric.compute())
        except Unavailable as reason:
            return cls(condition, metric.info, model, None, str(reason))

    @property
    def text(self) -> str:
        """Text of the cell: value and interval, or the reason why there is none."""
        if self.estimate is None:
            return f"not available: {self.reason}"
        one = self.estimate
        return f"{one.value:.3f}" if math.isnan(one.low) else f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f})"

    def record(self) -> dict[str, Any]:
        """Entry of metrics.json."""
        one = self.estimate
        values: dict[str, Any] = {"value": None, "interval": None, "n": 0, "speakers": 0, "reason": self.reason}
        if one is not None:
            limits = None if math.isnan(one.low) else [one.low, one.high]
            values = {"value": one.value, "interval": limits, "n": one.n, "speakers": one.speakers}
        info = self.info
        return {
            "metric": info.name,
            "condition": self.condition,
            **values,
            "unit": info.unit,
            "direction": info.direction,
            "tier": info.tier,
            "model": self.model,
        }


def write_metrics(path: Path, figures: Sequence[Measurement], about: Mapping[str, Any]) -> None:
    """metrics.json: what was measured (`about`), then every figure."""
    document = {"about": dict(about), "metrics": [figure.record() for figure in figures]}
    write_whole(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def write_results(path: Path, name: str, figures: Sequence[Measurement], about: Mapping[str, Any]) -> None:
    """Put the figures under `name` into the file that `make docs` fills the documents from; other entries stay.

    Raises:
        InputError: The file holds something else.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        results[name] = {
            "about": dict(about),
            "metrics": [
                {key: record[key] for key in ("metric", "title", "condition", "value", "interval", "n")}
                for record in (figure.record() | {"title": figure.info.title} for figure in figures)
                if record["value"] is not None
            ],
        }
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: is no file of results ({error})") from error
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_scores(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """scores.csv: one row an output; columns are the union of the rows' keys in order of appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(figures: Sequence[Measurement]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: one row a condition, one column a metric; cells of metrics that do not apply are empty."""
    infos = list(dict.fromkeys(figure.info for figure in figures))
    cells = {(figure.condition, figure.info): figure.text for figure in figures}
    headings = ["", *(f"{info.title} {_ARROWS[info.direction]}".strip() for info in infos)]
    conditions = dict.fromkeys(figure.condition for figure in figures)
    return headings, [[name, *(cells.get((name, info), "") for info in infos)] for name in conditions]


def markdown(figures: Sequence[Measurement]) -> str:
    """The table of `figures` in Markdown."""
    headings, rows = table(figures)
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

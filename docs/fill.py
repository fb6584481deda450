"""Fill the figures of the documents from results.json: `make docs`. No figure is written by hand.

    python docs/fill.py                            fill every document
    python docs/fill.py keep NAME -- COMMAND ...   run a command and keep the Markdown table that it prints, as NAME

A document marks a place by a comment, and by `<!-- end -->` after it:

    <!-- table NAME -->                            the table that `keep` kept
    <!-- table NAME: metric, ... -->               figures that `idfacevc evaluate ... --results docs/results.json` kept
    <!-- table NAME: metric, ... | row; ... -->    some of their rows, in this order
    <!-- about NAME -->                            one line: what was measured, and with what
    <!-- styles -->                                the speaking styles of idfacevc/text/presets.yaml
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results.json"
_BLOCK = re.compile(r"(<!-- (table|about|styles)\b *(.*?) *-->\n).*?(<!-- end -->)", re.DOTALL)


def documents() -> list[Path]:
    """All documents that may hold figures."""
    return [ROOT / "README.md", ROOT / "checkpoints" / "demo" / "MODEL_CARD.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str, results: dict[str, Any]) -> str:
    """A document with the figures of `results` between its marks."""

    def fill(match: re.Match[str]) -> str:
        begin, kind, what, end = match.groups()
        if kind != "styles" and what.partition(":")[0] not in results:
            return f"{begin}Not measured yet.\n{end}"
        lines = {"table": lambda: _table(what, results), "about": lambda: [_about(results[what])], "styles": _styles}
        return begin + "\n".join(lines[kind]()) + "\n" + end

    return _BLOCK.sub(fill, text)


def _table(what: str, results: dict[str, Any]) -> list[str]:
    name, _, columns = what.partition(":")
    entry = results[name]
    if "table" in entry:
        return _markdown(entry["table"])
    metrics, _, listed = columns.partition("|")
    names = [one.strip() for one in metrics.split(",")]
    cells = {(one["condition"], one["metric"]): one for one in entry["metrics"] if one["metric"] in names}
    titles = {one["metric"]: one["title"] for one in entry["metrics"]}
    measured = list(dict.fromkeys(row for row, _ in cells))
    rows = [row for one in listed.split(";") if (row := one.strip()) in measured] if listed else measured
    if not rows:
        return ["Not measured yet."]
    shown = [one for one in names if one in titles]
    heading = ["", *(titles[one] for one in shown)]
    return _markdown([heading, *([row, *(_cell(cells.get((row, one))) for one in shown)] for row in rows)])


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return ""
    digits = 2 if abs(figure["value"]) >= 1 else 3
    interval = figure["interval"]
    limits = f" ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})" if interval else ""
    return f"{figure['value']:.{digits}f}{limits}"


def _about(entry: dict[str, Any]) -> str:
    if "command" in entry:
        on = f" on {entry['about']['list']}" if "about" in entry else ""
        return f"Measured by `{entry['command']}`{on}."
    about = entry["about"]
    facts = [f"{about['rows']} outputs", f"{about['targets']} faces", f"list {about['list']}"]
    facts += (
        [f"checkpoint {about['checkpoint']} ({about['checkpoint_sha256']})"] if "checkpoint_sha256" in about else []
    )
    facts += [f"base speaker {about['base_speaker']}"] if "base_speaker" in about else []
    return f"Measured: {', '.join(facts)}."


def _styles() -> list[str]:
    import yaml

    from idfacevc.text.style import Style

    presets = yaml.safe_load((ROOT / "idfacevc" / "text" / "presets.yaml").read_text(encoding="utf-8"))
    keys = ["pitch_range", "pitch_shift", "energy_db", "spectral_tilt", "rate", "breathiness", "pauses"]
    heading = ["style", "pitch range", "pitch shift st", "level dB", "tilt dB/octave", "rate", "breathiness", "pauses"]
    rows = [heading]
    for name, preset in presets.items():
        style = Style(name, **preset)
        values = {key: f"{getattr(style, key):g}" for key in keys}
        values["breathiness"] += ", no voice at all" if style.whisper else ""
        rows.append([name, *values.values()])
    return _markdown(rows)


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    heading, *body = rows
    return ["| " + " | ".join(line) + " |" for line in (heading, ["---"] * len(heading), *body)]


def last_table(lines: Sequence[str]) -> list[list[str]]:
    """Cells of the last Markdown table of a text."""

    def tables() -> Iterator[list[list[str]]]:
        rows: list[list[str]] = []
        for line in [*lines, ""]:
            if line.startswith("|"):
                rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            elif rows:
                yield [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
                rows = []

    found = list(tables())
    if not found:
        raise SystemExit("fill.py: the command printed no Markdown table")
    return found[-1]


def keep(name: str, command: Sequence[str]) -> None:
    """Run a command and keep its table under `name`, with the command."""
    # "python" and "idfacevc" are those of the environment that runs this file
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"PATH": path})
    print(done.stdout)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    results[name] = {"command": " ".join(command), "table": last_table(done.stdout.splitlines())}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 3 and arguments[0] == "keep" and arguments[2] == "--":
        keep(arguments[1], arguments[3:])
    elif arguments:
        raise SystemExit(__doc__)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for path in documents():
        text = path.read_text(encoding="utf-8")
        path.write_text(filled(text, results), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

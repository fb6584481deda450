"""Tables 2 and 3: the paper's figure beside the one measured here, for every configuration that has a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from idfacevc.errors import InputError
from idfacevc.evaluation.convert import Converted, Speak, System, convert_pairs, loader
from idfacevc.evaluation.measurement import Measurement
from idfacevc.evaluation.pairs import Pair, read_outputs, read_pairs
from idfacevc.evaluation.run import measure
from idfacevc.evaluation.tables.conditions import OUTPUTS
from idfacevc.files import make_folder, write_whole

PUBLISHED = Path(__file__).with_name("protocols") / "published.yaml"
# The paper's metric, and the name of ours that measures the same thing.
_COLUMNS = {
    "utmos": ("UTMOS ↑", "utmos"),
    "wer": ("WER ↓", "whisper_wer"),
    "cer": ("CER ↓", "whisper_cer"),
    "secs": ("SECS ↑", "secs"),
    "sec": ("SEC ↑", "sec"),
    "sed": ("SED ↓", "sed"),
}


def evaluate_table(name: str, table: Path | None, out: Path, workers: int, outputs: Mapping[str, Path]) -> str:
    """`idfacevc evaluate reproduce`: `reproduce` with the bundles of this machine; also written to `out`.

    Args:
        table: PAIRS to convert.
        outputs: As in `reproduce`.
    """
    from idfacevc.bundles.model import available_bundles
    from idfacevc.text.speakers.registry import base_speaker

    pairs = read_pairs(table) if table else None
    make_folder(out)
    speak = base_speaker("auto").synthesise
    text = reproduce(name, available_bundles(), pairs, out, loader, speak, workers, outputs)
    write_whole(out / f"{name}.md", f"{text}\n")
    return text


def reproduce(
    name: str,
    bundles: Mapping[str, Path],
    pairs: Sequence[Pair] | None,
    out: Path,
    loader: Callable[[Path], Callable[[], System]],
    speak: Speak,
    workers: int,
    outputs: Mapping[str, Path] | None = None,
) -> str:
    """The table `name` ("table2" or "table3") in Markdown.

    Args:
        bundles: Folders of trained checkpoints by name.
        pairs: Rows to convert; only needed where a row of the table has a checkpoint.
        out: Folder of the measurements, one folder a row.
        loader: Gives, for the folder of a bundle, a function that loads it.
        outputs: Lists of what other systems made (see `read_outputs`), by the name of the bundle in their row.
    """
    outputs = outputs or {}
    rows = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))[name]
    columns = [key for key in _COLUMNS if key in rows[0]]
    headings = ["system", "input", *(f"{_COLUMNS[key][0]} {who}" for key in columns for who in ("paper", "here"))]
    lines = [headings, ["---"] * len(headings)]
    if unknown := sorted(set(outputs) - {row["bundle"] for row in rows}):
        known = ", ".join(dict.fromkeys(row["bundle"] for row in rows))
        raise InputError(f"{name} has no row {unknown[0]}; its rows are {known}")
    for row in rows:
        folder, given = bundles.get(row["bundle"]), outputs.get(row["bundle"])
        if given is not None:
            own = out / f"{row['bundle']}-{row['input']}"
            about = {"checkpoint": "none: the outputs were given", "table": name, "row": row["title"]}
            measured = _cells(columns, measure(Converted(read_outputs(given), {}), own, "all", workers, about))
        elif folder is None:
            measured = dict.fromkeys(columns, "not run: no checkpoint")
        else:
            if not pairs:
                raise InputError(f"checkpoint {row['bundle']} is here to be measured: give the list of pairs (--pairs)")
            listed = _as_texts(pairs) if row["input"] == "text" else list(pairs)
            own = out / f"{row['bundle']}-{row['input']}"
            converted = convert_pairs(listed, folder, own, loader(folder), speak, workers)
            about = {"checkpoint": folder.name, "table": name, "row": row["title"]}
            measured = _cells(columns, measure(converted, own, "all", workers, about))
        figures = [cell for key in columns for cell in (f"{row[key]:.3f}", measured[key])]
        lines.append([row["title"], row["input"], *figures])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _as_texts(pairs: Sequence[Pair]) -> list[Pair]:
    """The same test with the transcripts spoken by the base speaker: one row a text, face and target."""
    texts = {(p.transcript, p.face, p.target): replace(p, source="", say=p.transcript) for p in pairs if p.transcript}
    if not texts:
        raise InputError("the list of pairs gives no transcript, which text input needs")
    return list(texts.values())


def _cells(columns: Sequence[str], sections: Mapping[str, Sequence[Measurement]]) -> dict[str, Any]:
    figures = [figure for own in sections.values() for figure in own if figure.condition == OUTPUTS]
    found = {figure.info.name: figure.text for figure in figures}
    return {key: found[_COLUMNS[key][1]] for key in columns}

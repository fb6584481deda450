"""From a list to metrics.json, scores.csv and report.html: convert, score, tabulate, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idfacevc.evaluation import figures, report
from idfacevc.evaluation.convert import Converted, System, checkpoint_digest, convert_pairs, loader
from idfacevc.evaluation.measurement import Measurement, markdown, write_metrics, write_results, write_scores
from idfacevc.evaluation.metrics.gender import VoiceGender
from idfacevc.evaluation.pairs import Pair, read_outputs, read_pairs
from idfacevc.evaluation.scores import ClipScorer, ScoreCache
from idfacevc.evaluation.tables.score_rows import score_row
from idfacevc.evaluation.tables.speech_tables import clips_by_row, speech_table
from idfacevc.evaluation.tables.voice_tables import VoiceTables
from idfacevc.files import make_folder

Sections = dict[str, list[Measurement]]


@dataclass(frozen=True)
class Measured:
    """A measured list, for tables of a recipe's own.

    Attributes:
        pairs: Rows with their outputs.
        scorer: Its `scores` hold the scores of all clips; it may score more clips.
        voices: Tables of voices; None without the offline tier.
        load: Loads the converter; None where the outputs were given.
    """

    pairs: list[Pair]
    scorer: ClipScorer
    voices: VoiceTables | None
    load: Callable[[], System] | None


Further = Callable[[Measured], Sections]


def evaluate_pairs(
    table: Path,
    checkpoint: str,
    out: Path,
    tier: str = "offline",
    workers: int = 1,
    results: Path | None = None,
    further: Further | None = None,
) -> Sections:
    """`idfacevc evaluate run`: convert the pairs of a list with a checkpoint and measure them.

    Args:
        table: PAIRS, see docs/evaluation.md.
        checkpoint: Name, folder or hub id of a bundle.
        out: Folder of the results.
        tier: "offline", "paper" or "all".
        workers: Number of processes.
        results: File that keeps the figures for the documents, under the name of the list.
        further: Makes more tables.

    Raises:
        InputError: See `read_pairs`; also for an unknown checkpoint, or a folder that cannot be written.
    """
    from idfacevc.bundles.model import resolve
    from idfacevc.text.speakers.registry import base_speaker

    folder = resolve(checkpoint)
    pairs = read_pairs(table)
    make_folder(out)
    load, speaker = loader(folder), base_speaker("auto")
    converted = convert_pairs(pairs, folder, out, load, speaker.synthesise, workers)
    about = {"checkpoint": folder.name, "checkpoint_sha256": checkpoint_digest(folder), "list": table.name}
    if any(pair.say for pair in pairs):
        about["base_speaker"] = speaker.name
    return measure(converted, out, tier, workers, about, load, results, further)


def evaluate_outputs(
    table: Path, out: Path, tier: str = "offline", workers: int = 1, results: Path | None = None
) -> Sections:
    """`idfacevc evaluate outputs`: measure what any system made; arguments as in `evaluate_pairs`."""
    pairs = read_outputs(table)
    make_folder(out)
    about = {"checkpoint": "none: the outputs were given", "list": table.name}
    return measure(Converted(pairs, {}), out, tier, workers, about, results=results)


def measure(
    converted: Converted,
    out: Path,
    tier: str,
    workers: int,
    about: Mapping[str, Any],
    load: Callable[[], System] | None = None,
    results: Path | None = None,
    further: Further | None = None,
) -> Sections:
    """Measure a list and write metrics.json, scores.csv and report.html into `out`; returns the tables by title.

    Args:
        about: First lines of what was measured.
        load: Loads the converter, which then draws the figures of the method for the report.
        results, further: As in `evaluate_pairs`.
    """
    started = time.monotonic()
    tiers = ("offline", "paper") if tier == "all" else (tier,)
    pairs = converted.pairs
    rows = clips_by_row(pairs, converted.copies)
    clips = list(dict.fromkeys(one.clip for own in rows.values() for one in own))
    transcripts = {one.clip: one.transcript for own in rows.values() for one in own if one.transcript}
    contours = [clip for pair in pairs if pair.source and not pair.say for clip in (pair.output, pair.source)]

    scorer = ClipScorer(ScoreCache(out / "cache.sqlite"), workers)
    scores = scorer.scores
    if "offline" in tiers:
        scorer.offline(clips, transcripts, contours)
    if "paper" in tiers:
        scorer.paper(clips, transcripts)
    voices = VoiceTables(pairs, scores, VoiceGender.load()) if "offline" in tiers else None
    sections: Sections = {}
    if voices:
        sections["Naturalness and intelligibility (offline tier)"] = speech_table("offline", rows, scores)
        sections["Whose voice it is (offline tier)"] = voices.target_table() + voices.wanted_table()
        sections["Consistency and diversity (offline tier)"] = voices.spread_table()
    if "paper" in tiers:
        sections["Naturalness and intelligibility (paper tier)"] = speech_table("paper", rows, scores)
    if further:
        sections |= further(Measured(pairs, scorer, voices, load))
    about = {
        **about,
        "tier": tier,
        "rows": len(pairs),
        "targets": len({pair.target for pair in pairs}),
        "source_speakers": len({pair.source_speaker for pair in pairs}),
        "models": scores.models,
        "seconds": round(time.monotonic() - started, 1),
    }
    cells = [cell for own in sections.values() for cell in own]
    score_rows = [score_row(pair, scores, voices) for pair in pairs]
    write_metrics(out / "metrics.json", cells, about)
    write_scores(out / "scores.csv", score_rows)
    if results:
        write_results(results, Path(str(about["list"])).stem, cells, about)
    drawings = figures.figures_of_list(load(), pairs) if load else {}
    report.write_report(out / "report.html", sections, about, pairs, score_rows, scores, drawings)
    return sections


def summary(sections: Mapping[str, Sequence[Measurement]], out: Path) -> str:
    """The tables in Markdown, and the names of the files that hold them."""
    tables = [f"{title}\n\n{markdown(own)}\n" for title, own in sections.items()]
    files = ", ".join(str(out / name) for name in ("metrics.json", "scores.csv", "report.html"))
    return "\n".join([*tables, f"written: {files}"])


def missing_lines(sections: Mapping[str, Sequence[Measurement]]) -> list[str]:
    """One line for each reason why a figure could not be given, with the figures that it took."""
    reasons: dict[str, list[str]] = {}
    for cell in (one for own in sections.values() for one in own):
        if cell.estimate is None:
            reasons.setdefault(cell.reason, []).append(f"{cell.info.title} of {cell.condition}")
    return [f"not available: {reason} ({'; '.join(cells)})" for reason, cells in reasons.items()]

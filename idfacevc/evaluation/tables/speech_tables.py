"""Tables of speech: how natural and intelligible the clips of each condition are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from idfacevc.evaluation.measurement import Measurement
from idfacevc.evaluation.metrics.base import Estimate, RatioMetric
from idfacevc.evaluation.metrics.dnsmos import DNSMOS, P808
from idfacevc.evaluation.metrics.sentences import ClosedSet
from idfacevc.evaluation.metrics.utmos import UTMOS
from idfacevc.evaluation.metrics.wer import (
    CER,
    WER,
    FasterWhisperCER,
    FasterWhisperWER,
    WhisperCER,
    WhisperWER,
    WordsChanged,
)
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import Scores
from idfacevc.evaluation.tables.conditions import COPIES, OUTPUTS, SOURCES, TRUE, by_condition, where_they_apply

GUESSING = "guessing among the sentences"


@dataclass(frozen=True)
class ScoredClip:
    """A clip of a condition.

    Attributes:
        clip: File.
        speaker: Unit of the bootstrap.
        transcript: Words of the clip; empty where unknown.
        source: File that the clip was made from; empty for a recording.
    """

    clip: str
    speaker: str
    transcript: str
    source: str = ""


def clips_by_row(pairs: Sequence[Pair], copies: Mapping[str, str]) -> dict[str, list[ScoredClip]]:
    """Clips of each row of the tables of speech: outputs, their sources, copy-synthesis, and the true speech.

    Sources that several parts of the list share have one row.

    Args:
        copies: Copy-synthesis by source; may be empty.
    """
    rows: dict[str, list[ScoredClip]] = {}
    shown: set[frozenset[str]] = set()
    for condition, own in by_condition(pairs).items():
        prefix = "" if condition == OUTPUTS else f"{condition}: "
        rows[condition] = [ScoredClip(pair.output, pair.target, pair.transcript, pair.source) for pair in own]
        with_source = [pair for pair in own if pair.source]
        if (sources := frozenset(pair.source for pair in with_source)) in shown:
            continue
        shown.add(sources)
        rows[prefix + SOURCES] = _once(
            ScoredClip(pair.source, pair.source_speaker, pair.transcript) for pair in with_source
        )
        rows[prefix + COPIES] = _once(
            ScoredClip(copies[pair.source], pair.source_speaker, pair.transcript, pair.source)
            for pair in with_source
            if pair.source in copies
        )
    rows[TRUE] = _once(ScoredClip(pair.reference, pair.target, "") for pair in pairs if pair.reference)
    return {name: own for name, own in rows.items() if own}


def _once(clips: Iterable[ScoredClip]) -> list[ScoredClip]:
    return list({one.clip: one for one in clips}.values())


def speech_table(tier: str, rows: Mapping[str, Sequence[ScoredClip]], scores: Scores) -> list[Measurement]:
    """Naturalness and intelligibility of the clips of each row.

    Args:
        tier: "offline" or "paper".
        rows: Clips by row, as `clips_by_row` gives them.
    """
    model = scores.models.get("faster_whisper", "faster-whisper").partition(" (")[0]
    # what a metric compares a result with: nothing, the transcript, or the result for the source
    kinds: list[tuple[str, Callable[[], RatioMetric], str]] = [
        ("dnsmos", P808, ""),
        ("dnsmos", DNSMOS, ""),
        ("faster_whisper", partial(FasterWhisperWER, model), "transcript"),
        ("faster_whisper", partial(FasterWhisperCER, model), "transcript"),
        ("faster_whisper", partial(WordsChanged, model), "source"),
        ("sentences", ClosedSet, "transcript"),
        ("words", WER, "transcript"),
        ("words", partial(WER, per_utterance=True), "transcript"),
        ("words", CER, "transcript"),
        ("words", partial(CER, per_utterance=True), "transcript"),
        ("utmos", UTMOS, ""),
        ("whisper", WhisperWER, "transcript"),
        ("whisper", partial(WhisperWER, per_utterance=True), "transcript"),
        ("whisper", WhisperCER, "transcript"),
        ("whisper", partial(WhisperCER, per_utterance=True), "transcript"),
    ]
    table = []
    for row, clips in rows.items():
        for key, kind, against in kinds:
            metric = kind()
            if metric.info.tier != tier or (against == "source" and not any(one.source for one in clips)):
                continue
            if key in scores.missing:
                table.append(Measurement(row, metric.info, "", None, scores.missing[key]))
                continue
            _collect(metric, clips, getattr(scores, key), against)
            cell = Measurement.of(row, metric, scores.models.get(key, ""))
            if cell.estimate is None and against == "transcript":
                cell = replace(cell, reason="the list gives no transcript for it")
            table.append(cell)
    table = where_they_apply([cell for cell in table if cell.condition != TRUE]) + [
        cell for cell in table if cell.condition == TRUE
    ]
    if tier == ClosedSet.info.tier and scores.sentences:
        chance = Estimate(scores.sentence_chance, math.nan, math.nan, len(scores.sentences), 0)
        table.append(Measurement(GUESSING, ClosedSet.info, scores.models["sentences"], chance))
    return table


def _collect(metric: Any, clips: Sequence[ScoredClip], found: Mapping[str, Any], against: str) -> None:
    for one in clips:
        if not against:
            metric.update(found[one.clip], one.speaker)
        elif against == "transcript" and one.transcript:
            metric.update(found[one.clip], one.transcript, one.speaker)
        elif against == "source" and one.source:
            metric.update(found[one.clip], found[one.source], one.speaker)

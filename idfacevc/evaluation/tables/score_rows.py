"""Rows of scores.csv: every number of one output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idfacevc.evaluation.metrics.sentences import spoken_words
from idfacevc.evaluation.metrics.wer import (
    character_errors,
    whisper_spelling,
    word_errors,
)
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import Scores
from idfacevc.evaluation.tables.voice_tables import VoiceTables


def score_row(pair: Pair, scores: Scores, voices: VoiceTables | None) -> dict[str, Any]:
    """A row of scores.csv: file names without folders, and every number of the output."""
    clip = pair.output
    row: dict[str, Any] = {
        "output": Path(clip).name,
        "condition": pair.condition,
        "source": Path(pair.source).name if not pair.say else "",
        "say": pair.say,
        "face": Path(pair.face).name,
        "face_gender": pair.face_gender,
        "face_age": pair.face_age,
        "target": pair.target,
        "source_speaker": pair.source_speaker,
        "dnsmos": scores.dnsmos.get(clip, {}).get("overall", ""),
        "p808": scores.dnsmos.get(clip, {}).get("p808", ""),
        "utmos": scores.utmos.get(clip, ""),
    }
    for prefix, found in (
        ("", scores.words),
        ("faster_whisper_", scores.faster_whisper),
        ("whisper_", scores.whisper),
    ):
        if clip in found:
            row[f"{prefix}heard"] = found[clip]
            heard, words = whisper_spelling(found[clip]), whisper_spelling(pair.transcript)
            for rate, errors in (("wer", word_errors), ("cer", character_errors)) if pair.transcript else ():
                edits, length = errors(heard, words)
                row[f"{prefix}{rate}"] = edits / length if length else ""
    if clip in scores.faster_whisper and pair.source:
        heard, words = (whisper_spelling(scores.faster_whisper[one]) for one in (clip, pair.source))
        edits, length = word_errors(heard, words)
        row["words_changed"] = edits / length if length else ""
    if clip in scores.sentences:
        row["sentence_recognised"] = int(scores.sentences[clip] == spoken_words(pair.transcript))
    return row | (voices.row(pair) if voices else {})

"""`evaluate run` and `evaluate outputs`: from a list to metrics.json, scores.csv and report.html."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idfacevc.audio.output import save_recording
from idfacevc.evaluation import report
from idfacevc.evaluation.conversion import ConversionJob, System, TargetFace, checkpoint_digest, run_jobs
from idfacevc.evaluation.measurement import Measurement, write_metrics, write_scores
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.evaluation.metrics.gender import VoiceGender
from idfacevc.evaluation.metrics.recognition import Pocketsphinx, Whisper
from idfacevc.evaluation.metrics.sentences import MAX_SENTENCES, SentenceChooser, spoken_words
from idfacevc.evaluation.metrics.utmos import UtmosModel
from idfacevc.evaluation.metrics.wer import character_errors, normalise, word_errors
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.score_cache import ScoreCache
from idfacevc.evaluation.scores import ClipScorer, Scores
from idfacevc.evaluation.tables import COPIES, OUTPUTS, SOURCES, TRUE, Spoken, VoiceFigures, speech_figures

Speak = Callable[[str], tuple[Any, int]]


@dataclass(frozen=True)
class Converted:
    """A list with its outputs, and what floors it has.

    Attributes:
        pairs: each with its output; texts have the base speaker's speech as their source where it was made here.
        copies: copy-synthesis by source; empty where there is no checkpoint to make it.
    """

    pairs: list[Pair]
    copies: dict[str, str]


def convert_pairs(
    pairs: Sequence[Pair], checkpoint: Path, out: Path, load: Callable[[], System], speak: Speak, workers: int
) -> Converted:
    """Convert every pair and copy-synthesise every source, under `out`/audio; what is there already stays."""
    folder = out / "audio" / checkpoint_digest(checkpoint)
    jobs: dict[Path, ConversionJob] = {}
    done: list[Pair] = []
    copies: dict[str, str] = {}
    for pair in pairs:
        output = folder / f"{_digest(pair.utterance, pair.face)}.wav"
        face = TargetFace(pair.face, pair.face)
        jobs[output] = (
            ConversionJob(output, face, text=pair.say) if pair.say else ConversionJob(output, face, audio=pair.source)
        )
        source = pair.source
        if pair.say:
            spoken = folder / f"say-{_digest(pair.say)}.wav"
            if not spoken.exists():
                save_recording(spoken, *speak(pair.say))
            source = str(spoken)
        copy = folder / f"copy-{_digest(source)}.wav"
        jobs[copy] = ConversionJob(copy, audio=source)
        copies[source] = str(copy)
        done.append(replace(pair, source=source, output=str(output)))
    run_jobs(list(jobs.values()), load, workers)
    return Converted(done, copies)


def measure(
    converted: Converted,
    out: Path,
    tier: str,
    workers: int,
    about: dict[str, Any],
    draw: Callable[[], dict[str, Any]] = dict,
) -> dict[str, list[Measurement]]:
    """Measure a list, write metrics.json, scores.csv and report.html under `out`, and return the figures by table.

    `draw` gives further figures for the report, by title.
    """
    started = time.monotonic()
    tiers = ("offline", "paper") if tier == "all" else (tier,)
    pairs = converted.pairs
    conditions = {
        OUTPUTS: [Spoken(pair.output, pair.target, pair.transcript) for pair in pairs],
        SOURCES: _once([Spoken(pair.source, pair.source_speaker, pair.transcript) for pair in pairs if pair.source]),
        COPIES: _once(
            [
                Spoken(converted.copies[p.source], p.source_speaker, p.transcript)
                for p in pairs
                if p.source in converted.copies
            ]
        ),
        TRUE: _once([Spoken(pair.reference, pair.target, "") for pair in pairs]),
    }
    analyst = ClipScorer(ScoreCache(out / "cache.sqlite"), workers, Scores())
    _analyse(analyst, conditions, tiers)
    findings = analyst.findings

    sections: dict[str, list[Measurement]] = {}
    voices = None
    if "offline" in tiers:
        voices = VoiceFigures(pairs, findings, VoiceGender.load())
        sections["Naturalness and intelligibility (offline tier)"] = speech_figures("offline", conditions, findings)
        sections["Whose voice it is (offline tier)"] = voices.target_figures()
        sections["Consistency and diversity (offline tier)"] = voices.spread_figures()
    if "paper" in tiers:
        sections["Naturalness and intelligibility (paper tier)"] = speech_figures("paper", conditions, findings)
    about = {
        **about,
        "tier": tier,
        "rows": len(pairs),
        "targets": len({pair.target for pair in pairs}),
        "source_speakers": len({pair.source_speaker for pair in pairs}),
        "models": findings.models,
        "seconds": round(time.monotonic() - started, 1),
    }
    rows = [_row(pair, findings, voices) for pair in pairs]
    write_metrics(out / "metrics.json", [figure for own in sections.values() for figure in own], about)
    write_scores(out / "scores.csv", rows)
    report.write_report(out / "report.html", sections, about, pairs, rows, findings, draw())
    return sections


def _analyse(analyst: ClipScorer, conditions: dict[str, list[Spoken]], tiers: Sequence[str]) -> None:
    clips = [one.clip for own in conditions.values() for one in own]
    transcribed = [one for own in conditions.values() for one in own if one.transcript]
    texts = [one.clip for one in transcribed]
    findings = analyst.findings
    if "offline" in tiers:
        analyst.voices(clips)
        findings.dnsmos = analyst.run("dnsmos", DnsmosModel, clips)
        findings.words = analyst.run("words", Pocketsphinx, texts)
        sentences = sorted({spoken_words(one.transcript) for one in transcribed})
        # Several equal grammars where the list has more sentences than one should hold.
        groups = max(1, -(-len(sentences) // MAX_SENTENCES))
        for group in (sentences[start::groups] for start in range(groups)):
            own = [one.clip for one in transcribed if spoken_words(one.transcript) in set(group)]
            found = analyst.run("sentences", lambda group=group: SentenceChooser(group), own)  # type: ignore[misc]
            findings.sentences.update(found)
        if findings.sentences:
            findings.sentence_chance = groups / len(sentences)
    if "paper" in tiers:
        findings.utmos = analyst.run("utmos", UtmosModel, clips)
        findings.whisper = analyst.run("whisper", Whisper, texts)


def _row(pair: Pair, findings: Scores, voices: VoiceFigures | None) -> dict[str, Any]:
    """One line of scores.csv: names of files without the machine's folders, and every number of the output."""
    clip = pair.output
    row: dict[str, Any] = {
        "output": Path(clip).name,
        "source": Path(pair.source).name if not pair.say else "",
        "say": pair.say,
        "face": Path(pair.face).name,
        "target": pair.target,
        "source_speaker": pair.source_speaker,
        "dnsmos": findings.dnsmos.get(clip, {}).get("overall", ""),
        "utmos": findings.utmos.get(clip, ""),
    }
    for name, heard in (("", findings.words.get(clip)), ("whisper_", findings.whisper.get(clip))):
        if heard is not None and pair.transcript:
            row[f"{name}heard"] = heard
            for rate, errors in (("wer", word_errors), ("cer", character_errors)):
                edits, length = errors(normalise(heard), normalise(pair.transcript))
                row[f"{name}{rate}"] = edits / length if length else ""
    if clip in findings.sentences:
        row["sentence_recognised"] = int(findings.sentences[clip] == spoken_words(pair.transcript))
    if voices is not None:
        row |= {
            "secs": float(findings.embeddings[clip] @ findings.embeddings[pair.reference]),
            "mean_lf0": findings.pitches[clip]["mean"],
            "voice_gender": voices.heard(clip),
            "target_gender": voices.genders[pair.target],
        }
    return row


def missing_lines(sections: Mapping[str, Sequence[Measurement]]) -> list[str]:
    """One line for each reason why a figure could not be given, with the figures that it took."""
    reasons: dict[str, list[str]] = {}
    for figure in (one for own in sections.values() for one in own):
        if figure.estimate is None:
            reasons.setdefault(figure.reason, []).append(f"{figure.info.title} of {figure.condition}")
    return [f"not available: {reason} ({'; '.join(cells)})" for reason, cells in reasons.items()]


def _once(clips: Sequence[Spoken]) -> list[Spoken]:
    return list({one.clip: one for one in clips}.values())


def _digest(*parts: str) -> str:
    """Name of a file by what went into it: the contents of files that exist, the words of texts."""
    digest = hashlib.sha256()
    for part in parts:
        content = Path(part).read_bytes() if len(part) < 1000 and Path(part).is_file() else part.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:20]

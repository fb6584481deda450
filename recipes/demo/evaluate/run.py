"""Measure the demo model on held-out speakers and faces: what its MODEL_CARD.md prints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idfacevc.errors import InputError
from idfacevc.evaluation.conversion import System, checkpoint_digest, run_jobs
from idfacevc.evaluation.measurement import Measurement, markdown, write_metrics, write_scores
from idfacevc.evaluation.metrics.gender import VoiceGender
from idfacevc.evaluation.score_cache import ScoreCache
from idfacevc.files import write_whole
from recipes.demo import gender_classifier as voice_gender
from recipes.demo.evaluate import tables
from recipes.demo.evaluate.outputs import Output, Speak, make_outputs
from recipes.demo.evaluate.scores import DemoAnalyst, labelled_faces
from recipes.demo.evaluate.test_set import make_plan
from recipes.demo.pairing import Pairing


@dataclass(frozen=True)
class DemoEvaluation:
    """What to evaluate and with what.

    Attributes:
        corpora: folder of the real speech and faces.
        checkpoint: folder of the bundle.
        out: folder of the results; converted audio and the cache of analyses stay there and are reused.
        load: makes the converter; called once in each process.
        speak: the base speaker, text to (samples, rate).
        pairing: file of the face-to-speaker map that the model was trained with, if it is at hand.
        limit: keep that many of the 60 sources and shrink the rest in proportion.
        workers: processes.
    """

    corpora: Path
    checkpoint: Path
    out: Path
    load: Callable[[], System]
    speak: Speak
    pairing: Path | None
    limit: int | None
    workers: int

    def run(self) -> str:
        """Do it all; returns the Markdown that is also written to `out`/tables.md."""
        started = time.monotonic()
        if not (self.corpora / "speech.tsv").is_file():
            raise InputError(f"{self.corpora}: holds no speech.tsv; give the folder of the demo's corpora (--corpora)")
        digest = checkpoint_digest(self.checkpoint)
        plan = make_plan(self.corpora, self.limit)
        cache = ScoreCache(self.out / "cache.sqlite")
        classifier = VoiceGender.load()
        checks = voice_gender.check(classifier, self.corpora, cache, self.workers)

        outputs, jobs = make_outputs(plan, self.out / "audio" / digest, self.speak)
        run_jobs(jobs, self.load, self.workers)

        analyst = DemoAnalyst(cache, self.workers)
        analyst.outputs(plan, outputs)
        labelled = labelled_faces(self.corpora, 1 if self.limit is None else 10)
        used = {output.case.face.name: output.case for output in outputs if output.case and output.kind != "crops"}
        analyst.faces([*({case.face.name: case for case in labelled} | used).values()], self.load)
        if self.pairing is None:
            analyst.findings.missing["pairing"] = "the map from faces to training speakers was not given (--pairing)"
        else:
            analyst.assignments(list(used.values()), self.load, Pairing.load(self.pairing), self.corpora)

        findings = analyst.findings
        sections = {
            "TargetFace tower": tables.tower_table(labelled, findings),
            "Intelligibility and naturalness": tables.speech_table(outputs, findings),
            "Gender of the generated voice": tables.gender_table(outputs, findings, classifier, checks),
            "Whose voice it is": tables.target_table(plan, outputs, findings),
            "One person one voice, two people two": tables.diversity_table(plan, outputs, findings),
        }
        about = {
            "checkpoint": self.checkpoint.name,
            "checkpoint_sha256": digest,
            "tier": "offline",
            "sources": len(plan.sources),
            "sentences_in_closed_set": len(plan.sentences),
            "conversions": sum(output.case is not None for output in outputs),
            "models": findings.models,
            "not_available": findings.missing,
            "minutes": round((time.monotonic() - started) / 60, 1),
        }
        write_metrics(self.out / "metrics.json", [figure for figures in sections.values() for figure in figures], about)
        write_scores(self.out / "scores.csv", [self._row(output, analyst, classifier) for output in outputs])
        text = self._markdown(sections, about)
        write_whole(self.out / "tables.md", text)
        return text

    @staticmethod
    def _row(output: Output, analyst: DemoAnalyst, classifier: VoiceGender) -> dict[str, object]:
        findings, case, clip = analyst.findings, output.case, output.clip
        return {
            "kind": output.kind,
            "utterance": output.utterance,
            "source_speaker": output.source.speaker if output.source else "",
            "source_gender": output.source.gender if output.source else "",
            "face": case.face.name if case else "",
            "face_gender": case.gender if case else "",
            "face_age": case.age if case else "",
            "tower_gender": findings.tower[case.face.name][0] if case and case.face.name in findings.tower else "",
            "voice_gender": tables.heard(output, findings, classifier),
            "median_lf0": findings.pitches[clip]["median"],
            "dnsmos": findings.dnsmos.get(clip, {}).get("overall", ""),
            "transcript": output.transcript,
            "recognised_sentence": findings.sentences.get(clip, ""),
            "recognised_words": findings.words.get(clip, ""),
        }

    @staticmethod
    def _markdown(sections: dict[str, list[Measurement]], about: dict[str, object]) -> str:
        note = (
            f"Checkpoint {about['checkpoint']} ({about['checkpoint_sha256']}), offline tier, {about['sources']} "
            f"held-out sources, {about['conversions']} conversions. Values with 95 % bootstrap intervals over "
            "speakers, and over faces where faces are judged. The sentence test chooses among "
            f"{about['sentences_in_closed_set']} sentences."
        )
        return (
            "\n\n".join([note, *(f"### {title}\n\n{markdown(figures)}" for title, figures in sections.items())]) + "\n"
        )

"""The tables of the demo's evaluation, from what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from idfacevc.evaluation.measurement import Measurement, Metric
from idfacevc.evaluation.metrics.base import RatioMetric
from idfacevc.evaluation.metrics.dnsmos import DNSMOS
from idfacevc.evaluation.metrics.embedding import centroid, cosine
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import LogF0Correlation
from idfacevc.evaluation.metrics.sentences import ClosedSet
from idfacevc.evaluation.metrics.similarity import SEC, SECS, SED
from idfacevc.evaluation.metrics.wer import CER, WER
from recipes.demo.evaluate.outputs import Output
from recipes.demo.evaluate.scores import TRANSCRIBED, DemoScores, held_out_targets
from recipes.demo.evaluate.test_set import AGES, FaceCase, Plan

TITLES = {
    "recordings": "recordings of held-out speakers (accented)",
    "copy": "their vocoder copy-synthesis",
    "audio": "conversions",
    "random": "conversions, face drawn at random",
    "espeak": "base speaker (espeak)",
    "espeak copy": "its vocoder copy-synthesis",
    "text": "conversions of text",
    "native": "recordings of native speakers (seen in training)",
    "native copy": "their vocoder copy-synthesis (native)",
    "native audio": "conversions of native speech",
}
_CHILDREN, _GROWN = ("0-2", "3-9"), (*AGES, "60-69", "more than 70")

M = TypeVar("M", bound=RatioMetric)


def named(metric: M, name: str, title: str) -> M:
    """The metric under the name of a variant of it."""
    metric.info = replace(metric.info, name=name, title=title)
    return metric


def speech_table(outputs: Sequence[Output], findings: DemoScores) -> list[Measurement]:
    """Intelligibility and naturalness of each kind of output, floors and ceilings beside it."""
    transcribed: dict[type[ClosedSet | WER | CER], str] = {ClosedSet: "sentences", WER: "words", CER: "words"}
    figures = []
    for kind, condition in TITLES.items():
        own = [output for output in outputs if output.kind == kind]
        for make, key in transcribed.items() if kind in TRANSCRIBED else ():
            metric = make()
            found = getattr(findings, key)
            for output in (one for one in own if one.clip in found):
                metric.update(found[output.clip], output.transcript, output.speaker)
            figures.append(_given(condition, metric, key, findings))
        naturalness = DNSMOS()
        for output in (one for one in own if one.clip in findings.dnsmos):
            naturalness.update(findings.dnsmos[output.clip], output.speaker)
        figures.append(_given(condition, naturalness, "dnsmos", findings))
    return figures


def _given(condition: str, metric: Metric, key: str, findings: DemoScores) -> Measurement:
    """The figure, or the reason why what it stands on could not be found."""
    if key in findings.missing:
        return Measurement(condition, metric.info, "", None, findings.missing[key])
    return Measurement.of(condition, metric, findings.models[key])


def tower_table(cases: Sequence[FaceCase], findings: DemoScores) -> list[Measurement]:
    """How often the face tower is right. Every face is a person of his own."""
    model = "face tower of the checkpoint"
    gender = named(GenderAgreement(), "tower_gender", "Gender right")
    child = named(GenderAgreement(), "tower_child", "Child or adult right")
    for case in cases:
        seen_gender, seen_age = findings.tower[case.face.name]
        if case.age in AGES:
            gender.update(seen_gender, case.gender, case.face.name)
        if case.age in _CHILDREN or case.age in _GROWN:
            child.update(_stage(seen_age), _stage(case.age), case.face.name)
    return [
        Measurement.of("faces-valid, 20-59 years", gender, model),
        Measurement.of("faces-valid, under 10 (seen as under 20) against 20 and over", child, model),
    ]


def _stage(age: str) -> str:
    return "adult" if age in _GROWN else "child"


def gender_table(
    outputs: Sequence[Output], findings: DemoScores, classifier: VoiceGender, checks: dict[str, GenderAgreement]
) -> list[Measurement]:
    """Does the voice have the face's gender? Faces are the unit of the bootstrap."""
    model = f"Resemblyzer and log-F0; {classifier.trained_on}"
    figures = [
        Measurement.of(
            f"the classifier itself on real voices: {name}", named(check, "gender_label", "Label agrees"), model
        )
        for name, check in checks.items()
    ]
    copies = named(GenderAgreement(), "gender_label", "Label agrees")
    for output in outputs:
        if output.kind == "copy" and output.source:
            copies.update(heard(output, findings, classifier), output.source.gender, output.speaker)
    figures.append(Measurement.of("the classifier itself on copy-synthesis", copies, model))
    converted = [output for output in outputs if output.kind in ("audio", "grid", "text", "grid text")]
    groups = {
        "conversions of female sources": [o for o in converted if o.source and o.source.gender == "f"],
        "conversions of male sources": [o for o in converted if o.source and o.source.gender == "m"],
        "conversions of text": [o for o in converted if not o.source],
        "all conversions to female faces": [o for o in converted if o.case and o.case.gender == "f"],
        "all conversions to male faces": [o for o in converted if o.case and o.case.gender == "m"],
    }
    for name, members in groups.items():
        label = named(GenderAgreement(), "gender_label", "Label agrees")
        tower = named(GenderAgreement(), "gender_tower", "Label agrees where the tower reads the face right")
        for output in members:
            if output.case:
                face, voice = output.case.face.name, heard(output, findings, classifier)
                label.update(voice, output.case.gender, face)
                if findings.tower[face][0] == output.case.gender:
                    tower.update(voice, output.case.gender, face)
        figures += [Measurement.of(name, label, model), Measurement.of(name, tower, model)]
    return figures


def heard(output: Output, findings: DemoScores, classifier: VoiceGender) -> str:
    """Gender that the output's voice sounds like."""
    return classifier.predict(findings.embeddings[output.clip], findings.pitches[output.clip]["median"])


def target_table(plan: Plan, outputs: Sequence[Output], findings: DemoScores) -> list[Measurement]:
    """Whose voice is it? Cosines to centroids of real speech, the source utterance itself apart."""
    people = {source.speaker: source for source in plan.sources} | {
        name: own[0] for name, own in plan.others.items() if own
    }
    voices = {name: centroid([findings.embeddings[one.clip] for one in own]) for name, own in plan.others.items()}
    base = {output.utterance: output for output in outputs if output.kind == "espeak"}
    base_voice = centroid([findings.embeddings[output.clip] for output in base.values()])
    asked = {output.utterance: output.case for output in outputs if output.kind == "audio"}
    figures = []
    for kind in ("audio", "random", "text"):
        peers = named(SECS(), "secs_peers", "SECS to held-out speakers of the face's group")
        assigned = named(SECS(), "secs_assigned", "SECS to the assigned training speaker")
        source = named(SECS(), "secs_source", "SECS to the source speaker, other recordings")
        itself = named(SECS(), "secs_recording", "SECS to the source recording")
        moved = named(SECS(), "secs_moved", "assigned minus source speaker")
        pitch = LogF0Correlation()
        for output in (one for one in outputs if one.kind == kind):
            # What makes it a control: a random face is scored against the target of the face that was asked for.
            case = asked[output.utterance] if kind == "random" else output.case
            assert case is not None
            own = findings.embeddings[output.clip]
            face = case.face.name
            targets = held_out_targets(case, plan, output.speaker, people)
            peers.add(float(np.mean([cosine(own, voices[name]) for name in targets])), face)
            if face in findings.assigned:
                reference, reference_pitch = findings.assigned[face]
                assigned.update(own, reference, face)
                pitch.update(findings.pitches[output.clip], reference_pitch, face)
            source_voice = voices[output.speaker] if output.source else base_voice
            source_clip = output.source.clip if output.source else base[output.utterance].clip
            source.update(own, source_voice, face)
            itself.update(own, findings.embeddings[source_clip], face)
            if face in findings.assigned:
                moved.add(cosine(own, findings.assigned[face][0]) - cosine(own, source_voice), face)
        model = findings.models["embeddings"]
        figures += [Measurement.of(TITLES[kind], metric, model) for metric in (peers, source, itself)]
        needs_pairing = [Measurement.of(TITLES[kind], metric, model) for metric in (assigned, moved, pitch)]
        if reason := findings.missing.get("pairing"):
            needs_pairing = [replace(figure, reason=reason) for figure in needs_pairing]
        figures += needs_pairing
    return figures


def diversity_table(plan: Plan, outputs: Sequence[Output], findings: DemoScores) -> list[Measurement]:
    """One person, one voice; two people, two voices. Real speech beside it."""
    model = findings.models["embeddings"]
    figures = []
    sec = SEC()
    for output in outputs:
        if output.kind == "crops" and output.case:
            sec.update(findings.embeddings[output.clip], output.utterance, output.case.face.name.split("-")[0])
    figures.append(Measurement.of("conversions", sec, model))
    real = SEC()
    for name, own in plan.others.items():
        for one in own:
            real.update(findings.embeddings[one.clip], "any words", name)
    figures.append(Measurement.of("real speech of held-out adults (different words)", real, model))
    for condition, kind in (("conversions", "grid"), ("conversions of text", "grid text")):
        for sed in _seds():
            for output in outputs:
                if output.kind == kind and output.case:
                    case = output.case
                    sed.update(
                        findings.embeddings[output.clip], output.utterance, case.face.name, (case.gender, case.age)
                    )
            figures.append(Measurement.of(condition, sed, model))
    for condition, recordings in (
        ("real speech of held-out adults (different words)", [own[0] for own in plan.others.values() if own]),
        ("real speech of native speakers (different words)", list(plan.native)),
    ):
        for sed in _seds():
            for one in recordings:
                # Native speakers' ages are unknown: they form one group a gender.
                decade = None if one.age is None else int(one.age // 10)
                sed.update(findings.embeddings[one.clip], "any words", one.speaker, (one.gender, decade))
            figures.append(Measurement.of(condition, sed, model))
    return figures


def _seds() -> list[SED]:
    return [
        named_sed("sed_group", "SED, same gender and age group", lambda a, b: a == b),
        named_sed("sed_gender", "SED, same gender", lambda a, b: a[0] == b[0]),
        named_sed("sed_cross", "SED, other gender", lambda a, b: a[0] != b[0]),
    ]


def named_sed(name: str, title: str, pairs: Callable[..., bool]) -> SED:
    """SED over certain pairs, under a name of its own."""
    sed = SED(pairs)
    sed.info = replace(SED.info, name=name, title=title)
    return sed

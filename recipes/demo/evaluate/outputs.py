"""What the demo model is made to say for its evaluation, and the jobs that make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idfacevc.audio.output import save_recording
from idfacevc.evaluation.conversion import ConversionJob
from recipes.demo.evaluate.test_set import FaceCase, Plan, Recording, crop_variants

Speak = Callable[[str], tuple[np.ndarray, int]]


@dataclass(frozen=True)
class Output:
    """A clip that is measured.

    Attributes:
        kind: "recordings", "copy", "audio", "random", "text", "espeak", "espeak copy", "native", "native copy",
            "native audio", "grid", "grid text" or "crops".
        clip: file, or "archive.zip::member".
        utterance: what all conversions of one source share.
        transcript: empty where nobody wrote it down.
        source: the recording, None for a text.
        case: the face asked for, None where nothing was converted.
    """

    kind: str
    clip: str
    utterance: str
    transcript: str
    source: Recording | None
    case: FaceCase | None

    @property
    def speaker(self) -> str:
        """Who spoke, or was spoken for: the unit of the bootstrap."""
        return self.source.speaker if self.source else self.utterance


def make_outputs(plan: Plan, folder: Path, speak: Speak) -> tuple[list[Output], list[ConversionJob]]:
    """Everything to measure and the jobs that make it, in `folder`; the texts are spoken here."""
    outputs: list[Output] = []
    jobs: list[ConversionJob] = []

    def recorded(kind: str, recording: Recording) -> None:
        outputs.append(Output(kind, recording.clip, recording.id, recording.text, recording, None))

    def copied(kind: str, name: str, clip: str, transcript: str, source: Recording | None) -> None:
        path = folder / "copy" / f"{name}.wav"
        jobs.append(ConversionJob(path, audio=clip))
        outputs.append(Output(kind, str(path), name, transcript, source, None))

    def converted(kind: str, recording: Recording, case: FaceCase) -> None:
        path = folder / kind / f"{recording.id}-{case.face.name}.wav"
        jobs.append(ConversionJob(path, case.face, audio=recording.clip))
        outputs.append(Output(kind, str(path), recording.id, recording.text, recording, case))

    def spoken(kind: str, number: int, text: str, case: FaceCase) -> None:
        path = folder / kind / f"{number:02d}-{case.face.name}.wav"
        jobs.append(ConversionJob(path, case.face, text=text))
        outputs.append(Output(kind, str(path), f"text-{number:02d}", text, None, case))

    for number, (source, case, stranger) in enumerate(zip(plan.sources, plan.faces, plan.random_faces, strict=True)):
        recorded("recordings", source)
        copied("copy", source.id, source.clip, source.text, source)
        converted("audio", source, case)
        converted("random", source, stranger)
        said = save_spoken(folder / "espeak" / f"{number:02d}.wav", source.text, speak)
        outputs.append(Output("espeak", said, f"text-{number:02d}", source.text, None, None))
        copied("espeak copy", f"text-{number:02d}", said, source.text, None)
        spoken("text", number, source.text, case)
    for recording, case in zip(plan.native, plan.faces, strict=False):
        recorded("native", recording)
        copied("native copy", recording.id, recording.clip, recording.text, recording)
        converted("native audio", recording, case)
    # Two female and two male utterances; half of each cell's faces meet the first of each, half the second.
    pairs = [plan.sources[:2], plan.sources[2:4] or plan.sources[:2]]
    for number, case in enumerate(plan.grid):
        for source in pairs[number % 2]:
            converted("grid", source, case)
        spoken("grid text", 0, plan.sources[0].text, case)
    for number, case in enumerate(plan.crop_faces):
        source = plan.sources[number % 2]
        for face in (case.face, *crop_variants(case.face)):
            converted("crops", source, FaceCase(face, case.gender, case.age))
    return outputs, jobs


def save_spoken(path: Path, text: str, speak: Speak) -> str:
    """The base speaker's own speech, written once."""
    if not path.exists():
        save_recording(path, *speak(text))
    return str(path)

"""Listening tests: a folder with a page that needs no server, and what its answers say.

Four questions, as the paper's user study has them: how natural is it (nMOS), how much does it sound like this person
(sMOS), which of two voices belongs to this face, which of two faces belongs to this voice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from idfacevc.errors import InputError
from idfacevc.evaluation.measurement import Measurement
from idfacevc.evaluation.metrics.base import SEED, MetricInfo, RatioMetric
from idfacevc.evaluation.pairs import Pair, read_outputs
from idfacevc.evaluation.protocols.lrs3 import GenderHearing
from idfacevc.evaluation.report import mp3
from idfacevc.files import make_folder, readable, write_whole

SCALE = ("Bad", "Poor", "Fair", "Good", "Excellent")
_SOURCE = "ID-FaceVC, user study"
KINDS = {
    "nmos": MetricInfo("nmos", "nMOS", "MOS", "higher", (1, 5), "offline", _SOURCE),
    "smos": MetricInfo("smos", "sMOS", "MOS", "higher", (1, 5), "offline", _SOURCE),
    "face_to_voice": MetricInfo(
        "face_to_voice", "Voice chosen for the face", "share", "higher", (0, 1), "offline", _SOURCE
    ),
    "voice_to_face": MetricInfo(
        "voice_to_face", "Face chosen for the voice", "share", "higher", (0, 1), "offline", _SOURCE
    ),
}


@dataclass(frozen=True)
class Question:
    """One screen of the page.

    Attributes:
        id: Name that answers refer to.
        kind: Key of `KINDS`.
        shown: Files heard or seen with the question, by role: "voice", "reference", "face".
        options: Files to choose between, the right one first; empty for a rating. The page shuffles them.
    """

    id: str
    kind: str
    shown: dict[str, str]
    options: tuple[str, ...] = ()


def write_test(table: Path, out: Path, sets: int) -> int:
    """`idfacevc evaluate listening-test`: `make_test` of a list of OUTPUTS; returns the number of questions."""
    pairs = read_outputs(table)
    judge = GenderHearing()
    clips = {pair.target: pair.reference for pair in pairs if pair.reference}
    genders = {pair.target: pair.face_gender for pair in pairs if pair.face_gender}
    genders |= {target: judge(Path(clip)) for target, clip in clips.items() if target not in genders}
    make_folder(out)
    return make_test(pairs, genders, out, sets)


def make_test(pairs: Sequence[Pair], genders: dict[str, str], out: Path, sets: int) -> int:
    """Write the folder `out` with index.html, its media and test.json; returns the number of questions.

    Args:
        pairs: Converted rows.
        genders: Gender of each target: wrong options share the right one's gender where the list allows it.
        sets: Number of outputs that are asked about.
    """
    if missing := next((pair.face for pair in pairs if not Path(pair.face).is_file()), None):
        raise InputError(f"face {missing}: no such file, and the listening test shows it")
    (out / "media").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    media = _Media(out / "media", rng)
    questions: list[Question] = []
    for number, index in enumerate(rng.permutation(len(pairs))[:sets]):
        pair = pairs[index]
        voice, face = media.sound(pair.output), media.picture(pair.face)
        questions.append(Question(f"nmos-{number}", "nmos", {"voice": voice}))
        if pair.reference:
            shown = {"voice": voice, "reference": media.sound(pair.reference)}
            questions.append(Question(f"smos-{number}", "smos", shown))
        other = _other(pair, pairs, genders, rng)
        if other is not None:
            voices, faces = (voice, media.sound(other.output)), (face, media.picture(other.face))
            questions.append(Question(f"face-{number}", "face_to_voice", {"face": face}, voices))
            questions.append(Question(f"voice-{number}", "voice_to_face", {"voice": voice}, faces))
    listed = [{"id": q.id, "kind": q.kind, "shown": q.shown, "options": q.options} for q in questions]
    write_whole(out / "test.json", json.dumps(listed, indent=1) + "\n")
    page = files("idfacevc.evaluation").joinpath("listening.html").read_text(encoding="utf-8")
    # "</" would end the script element that holds the data.
    data = json.dumps({"scale": SCALE, "questions": listed}).replace("</", "<\\/")
    write_whole(out / "index.html", page.replace("/*DATA*/null", data))
    return len(questions)


def _other(pair: Pair, pairs: Sequence[Pair], genders: dict[str, str], rng: np.random.Generator) -> Pair | None:
    """A row of another target, as alike as there is: same words and gender, same gender, same words."""
    others = [one for one in pairs if one.target != pair.target]
    alike = [one for one in others if genders[one.target] == genders[pair.target]]
    for candidates in (
        [one for one in alike if one.utterance == pair.utterance],
        alike,
        [one for one in others if one.utterance == pair.utterance],
        others,
    ):
        if candidates:
            return candidates[int(rng.integers(len(candidates)))]
    return None


class _Media:
    """Copies of files under names that tell a rater nothing."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self._folder, self._rng = folder, rng
        self._known: dict[str, str] = {}

    def _name(self, path: str, suffix: str) -> tuple[str, bool]:
        new = path not in self._known
        if new:
            self._known[path] = f"{self._rng.bytes(6).hex()}{suffix}"
        return self._known[path], new

    def sound(self, path: str) -> str:
        name, new = self._name(path, ".mp3")
        if new:
            write_whole(self._folder / name, mp3(path))
        return f"media/{name}"

    def picture(self, path: str) -> str:
        name, new = self._name(path, Path(path).suffix.lower())
        if new:
            shutil.copyfile(path, self._folder / name)
        return f"media/{name}"


def read_answers(folder: Path, answers: Sequence[Path]) -> list[Measurement]:
    """Means with 95 % intervals of what raters answered: over raters, or over questions where only one answered.

    Raises:
        InputError: for a folder that holds no test, and a file that is not a set of its answers.
    """
    try:
        listed = json.loads((folder / "test.json").read_bytes())
        questions = {str(one["id"]): Question(one["id"], one["kind"], {}, tuple(one["options"])) for one in listed}
        if not isinstance(listed, list) or not all(question.kind in KINDS for question in questions.values()):
            raise ValueError("a question of no known kind")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{folder}: holds no listening test (test.json)") from error
    sets = [_read_set(path, questions) for path in answers]
    figures = []
    for kind, info in KINDS.items():
        metric = RatioMetric()
        metric.info = info
        for rater, given in enumerate(sets):
            for key, value in given.items():
                if questions[key].kind == kind:
                    score = value == 0 if questions[key].options else value  # option 0 is the right one
                    metric.add(float(score), str(rater) if len(sets) > 1 else key)
        figures.append(Measurement.of(f"{len(sets)} rater{'s' * (len(sets) != 1)}", metric, "people"))
    return figures


def _read_set(path: Path, questions: dict[str, Question]) -> dict[str, int]:
    """The answers of one rater by question: 1 to 5, or the number of the chosen option."""
    with readable(path, "file of answers") as file:
        content = file.read_bytes()
    try:
        given = json.loads(content)["answers"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path}: is not a file of answers that the page saved") from error
    if not isinstance(given, dict):
        raise InputError(f"{path}: is not a file of answers that the page saved")
    for key, value in given.items():
        allowed = range(len(questions[key].options)) or range(1, 6) if key in questions else ()
        if type(value) is not int or value not in allowed:
            raise InputError(f"{path}: answer {value!r} to {key!r} fits no question of this test")
    return given

"""The 8 x 8 unseen-speaker test as a list of pairs, made from a copy of LRS3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.lrs3 import Speaker, fixed_speakers, transcript
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.gender import VoiceGender
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.evaluation.pairs import Pair, write_pairs
from idfacevc.files import make_folder

PROTOCOL = Path(__file__).with_name("lrs3.yaml")


def write_lrs3_pairs(root: Path, table: Path) -> int:
    """`idfacevc evaluate pairs`: write `lrs3_pairs` of a copy of LRS3 as a list; returns the number of pairs."""
    pairs = lrs3_pairs(root.resolve())
    make_folder(table.parent)
    write_pairs(table, pairs)
    return len(pairs)


def lrs3_pairs(root: Path, gender_of: Callable[[Path], str] | None = None) -> list[Pair]:
    """All (utterance, face clip) combinations: 8 sources x 6 utterances x 8 targets x 3 clips, in a fixed order.

    The reference of a pair is the true speech of the clip that shows the face (OPEN 21).

    Args:
        root: Folder that holds LRS3's `test` folder.
        gender_of: Gender "f" or "m" of a clip's speaker, for sources that nobody named; by default the classifier.

    Raises:
        InputError: where a named speaker or clip is missing.
    """
    test = root / "test"
    if not test.is_dir():
        raise InputError(f"{root}: holds no folder test; give the root of LRS3")
    protocol: dict[str, Any] = yaml.safe_load(PROTOCOL.read_text(encoding="utf-8"))
    targets = {one.id: _faces(test, one, protocol["faces"]) for one in fixed_speakers("targets")}
    named = [one.id for one in fixed_speakers("sources")]
    sources = named + _further(
        test, {*named, *targets}, dict(protocol["further_sources"]), gender_of or GenderHearing()
    )
    return [
        Pair(str(utterance), "", str(face), str(face), target, source, transcript(utterance))
        for source in sources
        for utterance in _clips(test, source)[: protocol["utterances"]]
        for target, faces in targets.items()
        for face in faces
    ]


def _clips(test: Path, speaker: str) -> list[Path]:
    clips = sorted((test / speaker).glob("*.mp4"))
    if not clips:
        raise InputError(f"{test / speaker}: holds no clips, and the test needs that speaker")
    return clips


def _faces(test: Path, speaker: Speaker, count: int) -> list[Path]:
    clips = _clips(test, speaker.id)
    named = test / speaker.id / f"{speaker.clip}.mp4"
    if named not in clips:
        raise InputError(f"{named}: no such file, and the test needs that clip")
    return [named, *(clip for clip in clips if clip != named)][:count]


def _further(test: Path, taken: set[str], wanted: dict[str, int], gender_of: Callable[[Path], str]) -> list[str]:
    chosen = []
    for folder in sorted(path for path in test.iterdir() if path.is_dir() and path.name not in taken):
        clips = sorted(folder.glob("*.mp4"))
        if clips and wanted.get(gender := gender_of(clips[0]), 0):
            wanted[gender] -= 1
            chosen.append(folder.name)
        if not any(wanted.values()):
            return chosen
    raise InputError(f"{test}: too few further speakers for the eight sources")


class GenderHearing:
    """Gender that the classifier of voices hears in a file."""

    def __init__(self) -> None:
        self._encoder, self._tracker, self._classifier = SpeakerEncoder(), PitchTracker(), VoiceGender.load()

    def __call__(self, clip: Path) -> str:
        wav = load_audio(clip, SAMPLE_RATE)
        return self._classifier.predict(np.array(self._encoder(wav)), self._tracker(wav)["median"])

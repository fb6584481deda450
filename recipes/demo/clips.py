"""The features of `speech_features` in memory, and the draws that both trainings make of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from idfacevc.audio.pitch import normalise_lf0, pitch_register
from idfacevc.errors import InputError


@dataclass(frozen=True)
class ClipFeatures:
    """One utterance.

    Attributes:
        mel: Log-mel (T, 80), float16.
        lf0: Log-F0 (T,) in ln Hz, 0 where unvoiced; `contour` is the same, normalised, `register` its mean and
            deviation (2,).
        speaker_vector: Resemblyzer's embedding (256,).
        samples: Wave (N,) int16 at 16 kHz.
        words: Whisper's features (V, L, 384) of its versions, float16.
    """

    id: str
    corpus: str
    speaker: str
    group: str
    mel: np.ndarray
    lf0: np.ndarray
    contour: np.ndarray
    register: np.ndarray
    speaker_vector: np.ndarray
    samples: np.ndarray
    words: np.ndarray


def read_features(folder: Path) -> list[ClipFeatures]:
    """All utterances of a folder that `speech_features` wrote."""
    clips = []
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "numpy") as opened:
            about = opened.metadata()
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  it is no dictionary
        clips.append(
            ClipFeatures(
                file.stem,
                about["corpus"],
                about["speaker"],
                about["group"],
                arrays["mel"],
                arrays["lf0"],
                normalise_lf0(arrays["lf0"]),
                np.array(pitch_register(arrays["lf0"]), np.float32),
                arrays["speaker"],
                arrays["samples"],
                arrays["words"],
            )
        )
    if not clips:
        raise InputError(f"{folder}: holds no features; run recipes.demo.speech_features first")
    return clips


def groups_of(clips: list[ClipFeatures]) -> list[list[ClipFeatures]]:
    """What is spoken alike in three timbres, a list for each sentence."""
    groups: dict[str, list[ClipFeatures]] = {}
    for clip in clips:
        if clip.group:
            groups.setdefault(clip.group, []).append(clip)
    return [group for group in groups.values() if len(group) == 3]


def mean_vectors(clips: list[ClipFeatures]) -> dict[str, np.ndarray]:
    """The speaker vector (256,) of unit length of each speaker with several utterances of a known name."""
    own: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        if clip.corpus in ("kokoro", "speechocean762"):
            own.setdefault(clip.speaker, []).append(clip.speaker_vector)
    means = {speaker: np.mean(vectors, axis=0) for speaker, vectors in own.items()}
    return {speaker: mean / np.linalg.norm(mean) for speaker, mean in means.items()}

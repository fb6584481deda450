"""Association heads on real pairs of faces and voices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from idfacevc.audio.io import load_audio
from idfacevc.backbones.tower import GENDERS
from idfacevc.errors import InputError
from idfacevc.evaluation.association import FaceVoicePair, figures
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.models.vclip.heads import Association
from idfacevc.types import GeneratedVoice
from idfacevc.vclip import Vclip


def association_report(
    vclip: Vclip,
    pairs: Sequence[FaceVoicePair],
    heads: Sequence[Association] | None = None,
    seed: int = 0,
    same_judge: bool = False,
) -> str:
    """The figures of a list of pairs, as text.

    Args:
        heads: whose scores are averaged; None for the bundle's own heads.
        same_judge: generated voices may be scored by the heads that chose them.
    Raises:
        InputError: for a picture without a face, and a voice that these heads chose.
    """
    face, voice = features(vclip, pairs, vclip.bundle.fingerprint if heads is None and not same_judge else "")
    about = f"heads of {vclip.bundle.spec.name}" if heads is None else f"{len(heads)} pairs of heads trained for this"
    gender = np.array([one.gender for one in pairs])
    seen = np.array([GENDERS[int(one)] for one in face[:, -11:-9].argmax(dim=1)])
    told = gender != ""
    whose = "" if told.all() else f"; the gender of {(~told).sum()} pairs is the face tower's reading"
    identity = np.array([one.identity for one in pairs])
    scores = mean_scores(heads or [vclip.bundle.association], face, voice)
    table = figures(scores, identity, np.where(told, gender, seen), seed)
    lines = [f"{len(pairs)} pairs of {len(set(identity))} identities, {about}, seed {seed}{whose}", ""]
    return "\n".join([*lines, "| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in table)])


def features(vclip: Vclip, pairs: Sequence[FaceVoicePair], chooser: str) -> tuple[Tensor, Tensor]:
    """Face features (n, F), the mean over the pictures of each, and speaker vectors (n, V).

    Args:
        chooser: fingerprint of heads that may not score voices that they chose; empty where all may be scored.
    """
    encoder = SpeakerEncoder()
    faces = torch.stack([vclip.face_features(pair.face).mean(dim=0) for pair in pairs])
    voices = []
    for pair in pairs:
        if pair.voice.suffix == ".safetensors":
            saved = GeneratedVoice.load(pair.voice)
            if saved.selector == chooser:
                raise InputError(f"{pair.voice}: these heads chose the voice and may not judge it; give --same-judge")
            voices.append(saved.sound)
        else:
            voices.append(np.array(encoder(load_audio(pair.voice, SAMPLE_RATE)), np.float32))
    return faces, torch.from_numpy(np.stack(voices))


@torch.no_grad()
def mean_scores(heads: Sequence[Association], face: Tensor, voice: Tensor) -> np.ndarray:
    """Cosine (n, m) of every face (n, F) with every voice (m, V), averaged over several heads."""
    scores = [one.of_faces(face) @ one.of_voices(voice).T for one in heads]
    return torch.stack(scores).mean(dim=0).numpy()

"""Association heads on real pairs of faces and voices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from idfacevc.audio.io import load_audio
from idfacevc.backbones.tower import GENDERS
from idfacevc.errors import InputError
from idfacevc.evaluation.association import DRAWS, FaceVoicePair, figures
from idfacevc.evaluation.metrics import retrieval
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.protocols.pins import Trial
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


def trials_report(vclip: Vclip, trials: Sequence[Trial], faces: Path, voices: Path, seed: int = 0) -> str:
    """Verification by the bundle's heads over a public list, as text.

    Args:
        faces, voices: folders of the files that the list names.
    Raises:
        InputError: for a file that is not there, and a picture without a face.
    """
    pictures, recordings = (sorted({getattr(one, name) for one in trials}) for name in ("face", "voice"))
    files = [faces / one for one in pictures], [voices / one for one in recordings]
    if lost := [path for path in (*files[0], *files[1]) if not path.is_file()]:
        raise InputError(f"{lost[0]}: is not there ({len(lost)} of the {len(files[0]) + len(files[1])} files are not)")
    scores = mean_scores([vclip.bundle.association], face_vectors(vclip, files[0]), voice_vectors(files[1]))
    row, column = ({name: place for place, name in enumerate(names)} for names in (pictures, recordings))
    drawn = np.array([scores[row[one.face], column[one.voice]] for one in trials])
    same = np.array([one.same for one in trials])
    identity = np.array([one.voice_speaker for one in trials])
    if same.all() or not same.any():
        raise InputError("the list needs trials of one person and trials of two")
    lines = [
        f"{len(trials)} trials, {same.sum()} of one person, {len(set(identity))} identities of voices, heads of "
        f"{vclip.bundle.spec.name}, seed {seed}",
        *("", "| figure | value |", "|---|---|"),
    ]
    for figure in (retrieval.auc, retrieval.eer):
        low, high = retrieval.identity_interval(figure, drawn, same, identity, DRAWS, seed)
        lines.append(f"| {figure.__name__.upper()} | {figure(drawn, same):.3f} [{low:.3f}, {high:.3f}] |")
    return "\n".join(lines)


def features(vclip: Vclip, pairs: Sequence[FaceVoicePair], chooser: str) -> tuple[Tensor, Tensor]:
    """Face features (n, F), the mean over the pictures of each, and speaker vectors (n, V), of pairs.

    Args:
        chooser: as for `voice_vectors`.
    """
    return face_vectors(vclip, [one.face for one in pairs]), voice_vectors([one.voice for one in pairs], chooser)


def face_vectors(vclip: Vclip, files: Sequence[Path]) -> Tensor:
    """Face features (n, F), the mean over the pictures of each."""
    return torch.stack([vclip.face_features(file).mean(dim=0) for file in files])


def voice_vectors(files: Sequence[Path], chooser: str = "") -> Tensor:
    """Speaker vectors (n, V) of recordings and saved generated voices.

    Args:
        chooser: fingerprint of heads that may not score voices that they chose; empty where all may be scored.
    """
    encoder = SpeakerEncoder()
    vectors = []
    for file in files:
        if file.suffix == ".safetensors":
            saved = GeneratedVoice.load(file)
            if saved.selector == chooser:
                raise InputError(f"{file}: these heads chose the voice and may not judge it; give --same-judge")
            vectors.append(saved.sound)
        else:
            vectors.append(np.array(encoder(load_audio(file, SAMPLE_RATE)), np.float32))
    return torch.from_numpy(np.stack(vectors))


@torch.no_grad()
def mean_scores(heads: Sequence[Association], face: Tensor, voice: Tensor) -> np.ndarray:
    """Cosine (n, m) of every face (n, F) with every voice (m, V), averaged over several heads."""
    scores = [one.of_faces(face) @ one.of_voices(voice).T for one in heads]
    return torch.stack(scores).mean(dim=0).numpy()

"""How well faces and voices find each other: verification, matching and retrieval over a list of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idfacevc.errors import InputError
from idfacevc.evaluation.metrics import retrieval
from idfacevc.files import read_table

NEGATIVES = 40  # of each clip, drawn at random
DRAWS = 200  # of the bootstrap
CANDIDATES = (2, 5, 10)
_NEEDED, _OPTIONAL = ("face", "voice", "identity"), ("gender",)


@dataclass(frozen=True)
class FaceVoicePair:
    """One clip: a picture or video, a recording or a saved generated voice, whose they are, and "f", "m" or ""."""

    face: Path
    voice: Path
    identity: str
    gender: str


def read_face_voice_pairs(path: Path) -> list[FaceVoicePair]:
    """The rows of a tab-separated list with the columns face, voice, identity and, optional, gender.

    Raises:
        InputError: for other columns, an empty field, a gender other than f and m, and fewer than two identities.
    """
    names, rows = read_table(path, "\t")
    if set(names) - {*_NEEDED, *_OPTIONAL} or set(_NEEDED) - set(names):
        raise InputError(f"{path}: needs the columns {', '.join(_NEEDED)} and may have {', '.join(_OPTIONAL)}")
    pairs = []
    for number, row in enumerate(rows, start=2):
        if any(not row[name] for name in _NEEDED) or (gender := row.get("gender") or "") not in ("", "f", "m"):
            raise InputError(f"{path}, line {number}: needs a face, a voice and an identity; a gender is f or m")
        pairs.append(FaceVoicePair(path.parent / row["face"], path.parent / row["voice"], row["identity"], gender))
    if len({pair.identity for pair in pairs}) < 2:
        raise InputError(f"{path}: needs pairs of at least two identities")
    return pairs


def negatives(identity: np.ndarray, group: np.ndarray | None, count: int, seed: int = 0) -> Iterator[tuple[int, int]]:
    """Index pairs (face, voice) of different identities, `count` a face, within its group where groups are given."""
    rng = np.random.default_rng(seed)
    for face in range(len(identity)):
        others = identity != identity[face]
        if group is not None:
            others &= group == group[face]
        voices = np.flatnonzero(others)
        for voice in rng.choice(voices, min(count, len(voices)), replace=False):
            yield face, int(voice)


def figures(scores: np.ndarray, identity: np.ndarray, gender: np.ndarray, seed: int = 0) -> list[tuple[str, str]]:
    """Names and values of all figures.

    Args:
        scores: (n, n) of every face (rows) with every voice (columns).
        identity, gender: (n,) of each pair.
    """
    table = []
    for name, group in (("all", None), ("same gender", gender)):
        trials = np.array([*((one, one) for one in range(len(identity))), *negatives(identity, group, NEGATIVES, seed)])
        labels = np.arange(len(trials)) < len(identity)
        if labels.all():
            table.append((f"AUC, {name}", "not available: no such trials"))
            continue
        drawn = scores[trials[:, 0], trials[:, 1]]
        for figure in (retrieval.auc, retrieval.eer):
            low, high = retrieval.identity_interval(figure, drawn, labels, identity[trials[:, 0]], DRAWS, seed)
            value = figure(drawn, labels)
            table.append((f"{figure.__name__.upper()}, {name}", f"{value:.3f} [{low:.3f}, {high:.3f}]"))
        if group is None:
            floor = retrieval.auc(retrieval.gender_oracle(gender[trials[:, 0]], gender[trials[:, 1]]), labels)
            table.append(("AUC of the gender oracle, the floor of AUC, all", f"{floor:.3f}"))
    for way, matrix in (("face to voice", scores), ("voice to face", scores.T)):
        for number in CANDIDATES:
            rows = _candidates(matrix, identity, number, seed)
            if len(rows):
                table.append(
                    (f"matching 1:{number}, {way}", f"{retrieval.matching(rows):.3f} (chance {1 / number:.3f})")
                )
        relevant = identity[:, None] == identity
        table.append((f"mAP, {way}", f"{retrieval.mean_average_precision(matrix, relevant):.3f}"))
        for k in (1, 10, 50):
            if k < len(identity):
                own = np.eye(len(identity), dtype=bool)
                table.append((f"recall@{k}, {way}", f"{retrieval.recall(matrix, own, k):.3f}"))
        ranks = retrieval.ranks(matrix, np.eye(len(identity), dtype=bool))
        table.append((f"median rank of {len(identity)}, {way}", f"{np.median(ranks):.0f}"))
    return table


def _candidates(scores: np.ndarray, identity: np.ndarray, number: int, seed: int) -> np.ndarray:
    """Scores (n, number): the truth first, and others of the list of ten, of which every shorter one is the start."""
    drawn: dict[int, list[int]] = {}
    for probe, other in negatives(identity, None, max(CANDIDATES) - 1, seed):
        drawn.setdefault(probe, []).append(other)
    rows = [[one, *others[: number - 1]] for one, others in drawn.items() if len(others) >= number - 1]
    return np.array([[scores[row[0], column] for column in row] for row in rows])

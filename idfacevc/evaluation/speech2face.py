"""How near the faces that are foretold from voices come to the true ones, beside what chance and gender alone reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from idfacevc.audio.speech import first_speech
from idfacevc.evaluation.association import FaceVoicePair
from idfacevc.evaluation.metrics import retrieval
from idfacevc.models.speech2face.face_side import read_out
from idfacevc.models.speech2face.front_end import RATE
from idfacevc.speech2face import Speech2Face

LENGTHS = (3, 6)  # seconds of speech
RANKS = (1, 2, 5, 10)
GALLERY, DRAWS = 100, 20
_RESAMPLED = 500  # draws of the bootstrap


@dataclass(frozen=True)
class PairFeatures:
    """Of n pairs.

    Attributes:
        true: (n, D) of the faces.
        heard: (n, D) of the voices, by seconds of speech.
        identity, gender: (n,) whose they are; "f" or "m", the face tower's reading where the list does not say.
    """

    true: np.ndarray
    heard: dict[int, np.ndarray]
    identity: np.ndarray
    gender: np.ndarray


def pair_features(model: Speech2Face, pairs: Sequence[FaceVoicePair]) -> PairFeatures:
    """PairFeatures of faces and voices; `InputError` for a picture without a face and a recording without speech."""
    true: list[np.ndarray] = []
    heard: dict[int, list[np.ndarray]] = {seconds: [] for seconds in LENGTHS}
    for pair in pairs:
        true.append(model.face_feature(pair.face))
        speech = first_speech(pair.voice, max(LENGTHS))
        for seconds in LENGTHS:
            heard[seconds].append(model.heard(speech[: seconds * RATE]))
    seen, _ = read_out(model.tower, torch.from_numpy(np.stack(true)))
    return PairFeatures(
        np.stack(true),
        {seconds: np.stack(own) for seconds, own in heard.items()},
        np.array([pair.identity for pair in pairs]),
        np.array([pair.gender or gender for pair, gender in zip(pairs, seen, strict=True)]),
    )


def speech2face_report(model: Speech2Face, pairs: Sequence[FaceVoicePair], seed: int = 0) -> str:
    """All figures of a list of pairs, as text, with 95 % intervals over identities."""
    features = pair_features(model, pairs)
    told = sum(bool(pair.gender) for pair in pairs)
    whose = "" if told == len(pairs) else f"; the gender of {len(pairs) - told} is the face tower's reading"
    head = f"{len(pairs)} pairs of {len(set(features.identity))} identities, bundle {model.bundle.spec.name}{whose}"
    rows = [*distances(features, seed), *retrievals(features, seed), *attributes(model, features, seed)]
    return "\n".join([head, "", "| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def distances(features: PairFeatures, seed: int = 0) -> list[tuple[str, str]]:
    """Angle in degrees, L1 and L2 of unit vectors, between each face and what was foretold."""
    true = unit(features.true)
    other = np.array([next(gallery(one, features, 2, seed))[1] for one in range(len(true))])
    foretold = {
        **{f"{seconds} s": unit(heard) for seconds, heard in features.heard.items()},
        "floor, another's face": true[other],
        "floor, the mean face of the gender": unit(gender_means(features)),
    }
    rows = []
    for name, found in foretold.items():
        cosine = (true * found).sum(axis=1).clip(-1, 1)
        figures = {
            "angle, degrees": np.degrees(np.arccos(cosine)),
            "L1": np.abs(true - found).sum(axis=1),
            "L2": np.linalg.norm(true - found, axis=1),
        }
        rows += [(f"{figure}, {name}", with_interval(values, features, seed)) for figure, values in figures.items()]
    return rows


def retrievals(features: PairFeatures, seed: int = 0) -> list[tuple[str, str]]:
    """Recall of the true face in galleries of `GALLERY` and of all, and among faces of the voice's gender."""
    same = features.gender[:, None] == features.gender
    ways = {f"{seconds} s": unit(heard) @ unit(features.true).T for seconds, heard in features.heard.items()}
    rows = []
    for group in (False, True):
        among = "faces of the gender" if group else "faces"
        for size, draws in ((GALLERY, DRAWS), (len(same), 1)):
            galleries = [np.stack(list(gallery(one, features, size, seed, group, draws))) for one in range(len(same))]
            sizes = np.array([own.shape[1] for own in galleries])
            if sizes.min() < size == GALLERY:
                continue
            if sizes.min() < 2:
                rows.append((f"recall among all {among}", "not available: too few faces"))
                continue
            about = f"{size} {among}" if size == GALLERY else f"all {among} ({sizes.min()} to {sizes.max()})"
            for name, scores in ways.items():
                ranks = np.stack([_ranks(scores[one][own]) for one, own in enumerate(galleries)])
                for k in RANKS:
                    rows.append(
                        (f"recall@{k}, {about}, {name}", with_interval((ranks <= k).mean(axis=1), features, seed))
                    )
            alike = [same[one][own].sum(axis=1) for one, own in enumerate(galleries)]
            for floor, left in (("gender alone", alike), ("chance", [np.full(draws, count) for count in sizes])):
                if not (group and left is alike):  # there, that is chance
                    rows += [(f"recall@{k}, {about}, {floor}", f"{_expected(k, left):.3f}") for k in RANKS]
    return rows


def gallery(
    one: int, features: PairFeatures, size: int, seed: int, group: bool = False, draws: int = 1
) -> Iterator[np.ndarray]:
    """Indices of a gallery, the true face first, then others' faces, of the same gender where `group`."""
    others = features.identity != features.identity[one]
    if group:
        others &= features.gender == features.gender[one]
    choices, rng = np.flatnonzero(others), np.random.default_rng((seed, one))
    for _ in range(draws):
        yield np.append(one, rng.choice(choices, min(size - 1, len(choices)), replace=False))


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Rank of the first of each gallery (draws, size)."""
    relevant = np.zeros(scores.shape, bool)
    relevant[:, 0] = True
    return retrieval.ranks(scores, relevant)


def _expected(k: int, left: Sequence[np.ndarray]) -> float:
    """Recall of one who guesses among the faces that are left in each gallery."""
    return float(np.mean([np.minimum(k / counts, 1).mean() for counts in left]))


def attributes(model: Speech2Face, features: PairFeatures, seed: int = 0) -> list[tuple[str, str]]:
    """Gender and age that the tower's last layers read in what was foretold, and in the true face."""
    gender, age = read_out(model.tower, torch.from_numpy(features.true))
    rows = [
        ("gender of the face, tower as listed", with_interval(np.array(gender) == features.gender, features, seed)),
    ]
    for seconds, heard in features.heard.items():
        found, years = read_out(model.tower, torch.from_numpy(heard))
        apart = np.abs(np.array(years) - np.array(age))
        rows += [
            (f"gender, {seconds} s, as the tower sees it", with_interval(np.array(found) == gender, features, seed)),
            (f"gender, {seconds} s, as listed", with_interval(np.array(found) == features.gender, features, seed)),
            (f"age bin, {seconds} s", with_interval(apart == 0, features, seed)),
            (f"age bin within one, {seconds} s", with_interval(apart <= 1, features, seed)),
        ]
    usual = int(np.bincount(age).argmax())
    rows.append(("floor, the commonest age bin", f"{np.mean(np.array(age) == usual):.3f}"))
    rows.append(("floor, within one of it", f"{np.mean(np.abs(np.array(age) - usual) <= 1):.3f}"))
    return rows


def gender_means(features: PairFeatures) -> np.ndarray:
    """For each pair the mean face (n, D) of other people of its gender; of all others where there is none."""
    true = unit(features.true)
    means = []
    for identity, gender in zip(features.identity, features.gender, strict=True):
        others = features.identity != identity
        alike = others & (features.gender == gender)
        means.append(true[alike if alike.any() else others].mean(axis=0))
    return np.stack(means)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows (n, D) at length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def with_interval(values: np.ndarray, features: PairFeatures, seed: int) -> str:
    """The mean of a value a pair, with its interval over identities."""
    values = np.asarray(values, float)

    def mean(drawn: np.ndarray, _: np.ndarray) -> float:
        return float(drawn.mean())

    low, high = retrieval.identity_interval(mean, values, values, features.identity, _RESAMPLED, seed)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"

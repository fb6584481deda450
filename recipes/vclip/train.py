"""The bundle out of features and syntheses: prior, feedback network, candidates, association heads, index.

    python -m recipes.vclip.train --features DIR --syntheses DIR --out BUNDLE [--face-side demo]

Prints what was measured on the way: the feedback network beside the constant and the identity, and for faces that were
held out how voices agree with them, judged on what feedback says they will sound like.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor

from idfacevc.bundles.tensors import fingerprint
from idfacevc.bundles.vclip import VclipBundle, VclipSpec, save_vclip
from idfacevc.models.vclip.heads import Association, AssociationSpec
from idfacevc.models.vclip.prior import Mixture, is_nobodys, nobody
from idfacevc.models.vclip.signature import Signature, fit_signature
from idfacevc.text.speakers.spaces.kokoro import KokoroSpace
from idfacevc.training.association import Schedule, fit_association
from recipes.vclip.agreement import agreement_table, gender_of, held_out, seen_gender
from recipes.vclip.alignment import face_places, partners, voice_places
from recipes.vclip.features import tower_of
from recipes.vclip.syntheses import TEMPERATURE, prior

CANDIDATES = 5000
DRAWN = 14000  # of which the candidates are what is natural, and plainly a woman's or a man's voice
NATURAL = 0.75  # share of the voices that is kept by predicted P.808
AXES = 5
BLENDED = 3  # candidates of which one is made (docs/vclip.md)
PARTNERS = 4  # candidates with which a face is paired by turns
DIM, HIDDEN, SIGNATURE = 64, 256, 256
GROWN = 16


@dataclass(frozen=True)
class Syntheses:
    """What was measured of real syntheses.

    Attributes:
        styles: (n, 256).
        sound: (n, 256) unit vectors.
        pitch: (n,) median log-F0; nan where it was not measured, as `p808` (n,).
    """

    styles: np.ndarray
    sound: np.ndarray
    pitch: np.ndarray
    p808: np.ndarray

    @classmethod
    def read(cls, folders: Sequence[Path]) -> Syntheses:
        files = [path for folder in folders for path in sorted(folder.glob("[0-9]*.npz")) if "partial" not in path.name]
        if not files:
            raise SystemExit(f"train: no syntheses in {', '.join(map(str, folders))}")
        read = [dict(np.load(path, allow_pickle=False)) for path in files]
        optional = {name: np.array([float(one.get(name, np.nan)) for one in read]) for name in ("pitch", "p808")}
        return cls(np.stack([one["style"] for one in read]), np.stack([one["embedding"] for one in read]), **optional)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True, metavar="DIR")
    parser.add_argument("--syntheses", type=Path, required=True, nargs="+", metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE")
    parser.add_argument("--face-side", default="demo", metavar="BUNDLE")
    parser.add_argument("--name", default="vclip")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    faces, speech = (dict(np.load(args.features / name, allow_pickle=False)) for name in ("faces.npz", "speech.npz"))
    spoken = Syntheses.read(args.syntheses)
    mixture = prior(args.seed)
    signature, figures = fit_signature(
        torch.from_numpy(spoken.styles), torch.from_numpy(spoken.sound), SIGNATURE, seed=args.seed
    )
    print(f"feedback from {len(spoken.sound)} syntheses, held-out cosine: {_shown(figures)}")
    candidates = choose(mixture, signature, spoken, speech, args.seed)
    held = held_out(len(faces["gender"]), args.seed)
    association = train_heads(faces, speech, candidates, ~held, args.seed)
    heard, names = bank_sound(signature, spoken)
    tower = fingerprint(tower_of(args.face_side))
    spec = VclipSpec(args.name, tower, names, association.spec, SIGNATURE)
    with torch.no_grad():
        index = association.of_voices(torch.from_numpy(candidates.sound)).numpy()
    bundle = blended(VclipBundle(spec, association, signature, mixture, candidates.coordinates, index, heard))
    save_vclip(args.out, bundle)
    print("held-out faces:", *agreement_table(bundle, faces, held), sep="\n")
    print(f"written: {args.out}")


@dataclass(frozen=True)
class Candidates:
    """The pool: coordinates (S, R) in the prior, sound (S, V), gender "f" or "m" and the age heard, each (S,)."""

    coordinates: np.ndarray
    sound: np.ndarray
    gender: np.ndarray
    years: np.ndarray


def choose(mixture: Mixture, signature: Signature, spoken: Syntheses, speech: dict, seed: int) -> Candidates:
    """As many voices of women as of men, that are nobody's, natural, and plainly a woman's or a man's."""
    bank = KokoroSpace().bank()
    drawn = mixture.sample(DRAWN, seed, TEMPERATURE)
    drawn = nobody(drawn, bank.vectors)
    coordinates = ((drawn - mixture.mean) @ mixture.basis).astype(np.float16).astype(np.float32)
    styles = (mixture.mean + coordinates @ mixture.basis.T).astype(np.float32)
    with torch.no_grad():
        sound = signature(torch.from_numpy(styles)).numpy()
    group = gender_of(mixture, coordinates)
    measured = np.isfinite(spoken.p808) & np.isfinite(spoken.pitch)
    natural = np.ones(len(styles), bool)
    pitch = np.zeros((len(styles), 0))
    if measured.sum() >= 40:
        places = (spoken.styles[measured] - mixture.mean) @ mixture.basis
        quality = Ridge(alpha=10.0).fit(places, spoken.p808[measured]).predict(coordinates)
        natural = quality >= np.quantile(quality, 1 - NATURAL)
        pitch = Ridge(alpha=10.0).fit(places, spoken.pitch[measured]).predict(coordinates)
        print(f"P.808 of {measured.sum()} syntheses: mean {spoken.p808[measured].mean():.2f}, ", end="")
        print(
            f"predicted for the candidates kept {quality[natural].mean():.2f}, refused {quality[~natural].mean():.2f}"
        )
    grown = speech["age"] >= GROWN
    real = LogisticRegression(C=1.0, max_iter=2000).fit(speech["embedding"][grown], speech["gender"][grown] == "m")
    male = real.decision_function(sound)
    if pitch.size:  # a low voice is a man's, whatever recordings with another microphone say
        male = (male - male.mean()) / male.std() - (pitch - pitch.mean()) / pitch.std()
    years = Ridge(alpha=1.0).fit(speech["embedding"], np.log(speech["age"] + 3)).predict(sound)
    kept = []
    for gender, sign in (("f", -1), ("m", 1)):
        own = np.flatnonzero((group == gender) & natural)
        plain = own[np.argsort(-sign * male[own], kind="stable")[: round(len(own) * 0.7)]]
        kept.append(np.sort(plain)[: CANDIDATES // 2])
        print(f"{gender}: {len(own)} natural samples, {len(kept[-1])} candidates")
    chosen = np.concatenate(kept)
    return Candidates(coordinates[chosen], sound[chosen], group[chosen], years[chosen])


def train_heads(faces: dict, speech: dict, candidates: Candidates, used: np.ndarray, seed: int) -> Association:
    """Heads of faces paired, within gender, with candidates and with a recorded speaker at their place."""
    views, sounds = [], []
    seen = seen_gender(faces["features"])  # not the label, which a few thousand faces cannot teach better than a tower
    for gender in "fm":
        own = faces["features"][used & (seen == gender)]
        places = face_places(own, AXES)
        axes = places.shape[1]
        print(f"{gender}: {len(own)} faces along {axes} axes")
        pool = candidates.gender == gender
        near = partners(places, voice_places(candidates.sound[pool], candidates.years[pool], axes), PARTNERS)
        real = speech["gender"] == gender
        spots = voice_places(speech["embedding"][real], speech["age"][real], axes)
        spoken = speech["embedding"][real][partners(places, spots, 1)]
        views.append(own)
        sounds.append(np.concatenate([candidates.sound[pool][near], spoken], axis=1))
    face, voice = (torch.from_numpy(np.concatenate(parts).astype(np.float32)) for parts in (views, sounds))
    spec = AssociationSpec(face.shape[-1], voice.shape[-1], DIM, HIDDEN, 0.1, "mlp")
    schedule = Schedule(epochs=200, batch=512, patience=25)
    identity: Tensor = torch.arange(len(face))
    association, auc = fit_association(face, voice, identity, spec, schedule, seed=seed)
    print(f"heads on {len(face)} faces: development AUC {auc:.3f} of pairs made by rule")
    return association


def blended(bundle: VclipBundle) -> VclipBundle:
    """Each candidate as the mean of `BLENDED`: itself and those nearest to it in the association space.

    Which of many near ones is ahead for a face is chance, and another picture of the person has another one ahead: what
    they sound like on the average is what both have in common. A mean that comes too near to a real voice is not taken.
    """
    near = np.argsort(-(bundle.index @ bundle.index.T), axis=1, kind="stable")[:, :BLENDED]
    means = bundle.coordinates[near].mean(axis=1).astype(np.float16).astype(np.float32)
    vectors = (bundle.prior.mean + means @ bundle.prior.basis.T).astype(np.float32)
    taken = is_nobodys(vectors, KokoroSpace().bank().vectors)
    together = replace(bundle, coordinates=np.where(taken[:, None], means, bundle.coordinates))
    return replace(together, index=together.placed(together.sound(together.vectors())))


def bank_sound(signature: Signature, spoken: Syntheses) -> tuple[np.ndarray, tuple[str, ...]]:
    """How the bank's voices sound (n, V): as measured, or where a voice was not spoken as feedback tells."""
    bank = KokoroSpace().bank()
    with torch.no_grad():
        sound = signature(torch.from_numpy(bank.vectors)).numpy()
    for number, vector in enumerate(bank.vectors):
        own = np.abs(spoken.styles - vector).max(axis=1) < 1e-5
        if own.any():
            mean = spoken.sound[own].mean(axis=0)
            sound[number] = mean / np.linalg.norm(mean)
    return sound, bank.names


def _shown(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


if __name__ == "__main__":
    main()

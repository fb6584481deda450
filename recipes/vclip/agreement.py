"""How the voices of faces that were held out agree with them, whole and by subgroup.

    python -m recipes.vclip.agreement --features DIR [--bundle checkpoints/vclip] [--seed 0]

What a chosen voice sounds like is what the feedback network says: nothing is synthesised. Faces are those of
`recipes.vclip.features` that the training with this seed did not see.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from idfacevc.bundles.vclip import VclipBundle, load_vclip
from idfacevc.models.vclip.prior import Mixture, nearest_distances
from idfacevc.models.vclip.retrieval import hub_share, top
from idfacevc.text.speakers.spaces.kokoro import KokoroSpace

HELD = 0.1  # of the faces
AGES = {
    "under 10": ("0-2", "3-9"),
    "10 to 19": ("10-19",),
    "20 to 39": ("20-29", "30-39"),
    "40 to 59": ("40-49", "50-59"),
    "60 and older": ("60-69", "more than 70"),
}


def held_out(count: int, seed: int) -> np.ndarray:
    """Which of the faces are kept from training, (n,) bool."""
    return np.random.default_rng(seed).random(count) < HELD


def gender_of(mixture: Mixture, coordinates: np.ndarray) -> np.ndarray:
    """The gender (n,) of the bank's voices to whose mean a sample is nearer."""
    bank = KokoroSpace().bank()
    places = (bank.vectors - mixture.mean) @ mixture.basis
    means = np.stack([places[np.array(bank.genders) == gender].mean(axis=0) for gender in "fm"])
    return np.where(nearest_distances(coordinates, means[:1]) <= nearest_distances(coordinates, means[1:]), "f", "m")


def seen_gender(features: np.ndarray) -> np.ndarray:
    """What the face tower says, "f" or "m" (n,), of faces (n, views, D)."""
    # its two logits lie before those of the nine age bins, in the order of GENDERS
    log_odds = (features[..., -11] - features[..., -10]).mean(axis=1)
    return np.where(log_odds > 0, "f", "m")


class Chosen:
    """The best candidate of each view of some faces.

    Attributes:
        number: (n, views) of the candidate.
        sound: (n, views, V), as feedback says.
        gender: (n,) of the voice of the first view.
        label, seen: (n,) of the face, as labelled and as the tower sees it.
    """

    def __init__(self, bundle: VclipBundle, faces: dict[str, np.ndarray]) -> None:
        views = torch.from_numpy(faces["features"])
        with torch.no_grad():
            placed = bundle.association.of_faces(views.flatten(0, 1)).numpy()
        self.number = np.array([top(bundle.index @ face, 1)[0] for face in placed]).reshape(views.shape[:2])
        sound = bundle.sound(bundle.vectors(self.number.flatten()))
        self.sound = sound.reshape(*self.number.shape, -1)
        self.gender = gender_of(bundle.prior, bundle.coordinates[self.number[:, 0]])
        self.label, self.seen = faces["gender"], seen_gender(faces["features"])

    def figures(self, own: np.ndarray) -> dict[str, float]:
        """Shares and mean cosines of the faces `own` (n,) bool."""
        across = [
            (self.sound[one, 0] @ self.sound[one, 0].T)[np.triu_indices(one.sum(), 1)]
            for one in (own & (self.label == "f"), own & (self.label == "m"))
        ]
        return {
            "gender as labelled": float((self.gender == self.label)[own].mean()),
            "the tower's gender as labelled": float((self.seen == self.label)[own].mean()),
            "gender as the tower sees it": float((self.gender == self.seen)[own].mean()),
            "cosine, one face": float((self.sound[own, :1] * self.sound[own, 1:]).sum(axis=-1).mean()),
            "cosine, others of one gender": float(np.concatenate(across).mean()),
            "hub share": hub_share(list(self.number[own, 0])),
        }


def agreement_table(bundle: VclipBundle, faces: dict[str, np.ndarray], held: np.ndarray) -> Iterator[str]:
    """Rows of a table in Markdown: all held-out faces, and each group by the labels that has ten or more.

    The labels of race serve this report of gaps and nothing else.
    """
    faces = {name: value[held] for name, value in faces.items()}
    chosen = Chosen(bundle, faces)
    grown = ~np.isin(faces["age"], AGES["under 10"] + AGES["10 to 19"])
    groups = {"all": np.ones(len(faces["gender"]), bool)}
    groups |= {name: faces["gender"] == key for name, key in (("women and girls", "f"), ("men and boys", "m"))}
    groups |= {name: np.isin(faces["age"], bins) for name, bins in AGES.items()}
    groups |= {f"{name}, 20 and older": grown & (faces["race"] == name) for name in sorted(set(faces["race"]))}
    names = list(chosen.figures(groups["all"]))
    yield f"| faces | number | {' | '.join(names)} |"
    yield "|---|---|" + "---|" * len(names)
    for name, own in groups.items():
        if own.sum() >= 10:
            cells = " | ".join(f"{value:.3f}" for value in chosen.figures(own).values())
            yield f"| {name} | {own.sum()} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True, metavar="DIR")
    parser.add_argument("--bundle", type=Path, default=Path("checkpoints/vclip"), metavar="DIR")
    parser.add_argument("--seed", type=int, default=0, help="of the training (%(default)s)")
    args = parser.parse_args()
    faces = dict(np.load(args.features / "faces.npz", allow_pickle=False))
    for row in agreement_table(load_vclip(args.bundle), faces, held_out(len(faces["gender"]), args.seed)):
        print(row)


if __name__ == "__main__":
    main()

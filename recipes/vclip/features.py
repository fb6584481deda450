"""Features of labelled faces and of labelled speech, for the association heads.

    python -m recipes.vclip.features --corpora DIR --out DIR [--faces 2500] [--face-side demo]

`faces.npz` holds the face features (n, 5, 267) of each face in five framings, with its labels; `speech.npz` the
unit mean Resemblyzer embedding (n, 256) of each speaker whose gender and age are known. What is there is kept.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.backbones.tower import FaceTower, TowerBackbone
from idfacevc.bundles.model import load_face_tower, read_spec, resolve
from idfacevc.data.corpora.item import audio_source
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder, centroid
from idfacevc.face.crop import framings
from idfacevc.models.vclip.face_features import face_features
from recipes.demo.corpora import Utterance, read_utterances, recording_of
from recipes.demo.faces import load_faces

HEARD_RATE = 16000
UTTERANCES = 2  # of each speaker


def tower_of(face_side: str) -> FaceTower:
    """The face tower of a bundle."""
    folder = resolve(face_side)
    tower = load_face_tower(read_spec(folder), folder)
    if tower is None:
        raise SystemExit(f"features: {face_side} has no face tower")
    return tower


def face_views(tower: FaceTower, crops: list[Image.Image]) -> np.ndarray:
    """Features (n, 5, D) of crops, each in its framings."""
    backbone = TowerBackbone(tower)
    return np.stack([face_features(tower, backbone.tokens(framings(crop))).numpy() for crop in crops])


def speakers(corpora: Path) -> dict[str, list[Utterance]]:
    """Utterances of each speaker whose gender and age are known."""
    own: dict[str, list[Utterance]] = {}
    for one in read_utterances(corpora):
        if one.corpus == "speechocean762" and one.gender and one.age is not None:
            own.setdefault(one.speaker, []).append(one)
    return {name: sorted(list_, key=lambda one: -one.seconds)[:UTTERANCES] for name, list_ in own.items()}


def heard(corpora: Path, one: Utterance) -> np.ndarray:
    """Samples (N,) at 16 kHz."""
    return load_audio(audio_source(recording_of(corpora, one)), HEARD_RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--faces", type=int, default=2500, metavar="N", help="of the training split (%(default)s)")
    parser.add_argument("--face-side", default="demo", metavar="BUNDLE", help="whose tower reads (%(default)s)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if not (args.out / "faces.npz").exists():
        pictures, rows = load_faces(args.corpora, "train")
        crops = [Image.fromarray(one.permute(1, 2, 0).numpy()) for one in pictures[: args.faces]]
        cut = {name: np.array([getattr(row, name) for row in rows[: args.faces]]) for name in ("gender", "age", "race")}
        _save(args.out / "faces.npz", features=face_views(tower_of(args.face_side), crops), **cut)
    if not (args.out / "speech.npz").exists():
        encoder, known = SpeakerEncoder(), speakers(args.corpora)
        vectors = [centroid([np.array(encoder(heard(args.corpora, one))) for one in list_]) for list_ in known.values()]
        about = [list_[0] for list_ in known.values()]
        _save(
            args.out / "speech.npz",
            embedding=np.stack(vectors).astype(np.float32),
            gender=np.array([one.gender for one in about]),
            age=np.array([one.age for one in about], float),
        )
    print(f"features in {args.out}, {torch.get_num_threads()} threads")


def _save(path: Path, **arrays: np.ndarray) -> None:
    temporary = path.with_suffix(".partial.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    os.replace(temporary, path)


if __name__ == "__main__":
    main()

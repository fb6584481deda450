"""Pairs of held-out speakers and faces, to measure with `idfacevc evaluate speech2face`.

    python -m recipes.speech2face.test_pairs --corpora DIR --out DIR

Each speaker who was kept from training gets a face of the other split, of the same gender and age group, in which the
detector finds one. Nobody is both speaker and face: gender and age can be measured with such pairs, a person's own face
cannot. `adults.tsv` holds the pairs of grown-ups alone: a child's gender is hardly heard, nor seen.
"""

from __future__ import annotations

import argparse
import csv
import random
from pathlib import Path

from PIL import Image

from idfacevc.data.corpora.item import MEMBER, open_member
from idfacevc.face.detect import FaceDetector
from idfacevc.files import replacing
from idfacevc.models.speech2face.face_side import bins_of
from recipes.demo.items import face_items
from recipes.speech2face.features import utterances

COLUMNS = ("face", "voice", "identity", "gender")
GROWN = 18  # years


def copied(member: str, folder: Path) -> str:
    """A member of an archive as a file in `folder`; its name."""
    name = Path(member.partition(MEMBER)[2]).name
    (folder / name).write_bytes(open_member(member).read())
    return name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    faces = [one for one in face_items(args.corpora) if one.split == "valid"]
    random.Random(0).shuffle(faces)
    detector = FaceDetector()
    rows: list[tuple[str, ...]] = []
    adults: list[tuple[str, ...]] = []
    for voice in utterances(args.corpora, each=1):
        if voice.split != "valid":
            continue
        fitting = bins_of(voice.age)
        alike = (one for one in faces if one.gender == voice.gender and one.age in fitting)
        face = next(one for one in alike if detector.all(Image.open(open_member(one.face)).convert("RGB")))
        faces.remove(face)
        rows.append((copied(face.face, args.out), copied(voice.audio, args.out), voice.speaker, voice.gender))
        if not voice.age or float(voice.age) >= GROWN:
            adults.append(rows[-1])
    for name, listed in (("pairs.tsv", rows), ("adults.tsv", adults)):
        with replacing(args.out / name) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle, delimiter="\t", lineterminator="\n").writerows([COLUMNS, *listed])
        print(f"{len(listed)} pairs in {args.out / name}")


if __name__ == "__main__":
    main()

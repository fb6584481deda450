"""Measure where aligned face crops show their landmarks: the ten numbers of `TEMPLATE` in idfacevc/face/crop.py.

python benchmarks/face_template.py --corpora DIR        (a folder with faces-valid.zip)
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from idfacevc.face.detect import FaceDetector

_SIDE = 240  # MTCNN wants larger faces than the 80 pixels of the corpus
_BORDER = 80  # and room around them: at a picture's edge its landmarks are pushed outwards by up to 7 % of the crop
_SURE = 0.99
_MIRRORED = [1, 0, 2, 4, 3]  # landmarks of the mirrored face


def measure(corpora: Path, count: int) -> tuple[np.ndarray, int]:
    """Median landmarks (5, 2) in crops of side 1 over the first `count` faces, made symmetric, and the faces used."""
    detector = FaceDetector()
    found = []
    with zipfile.ZipFile(corpora / "faces-valid.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][:count]
        for name in names:
            with archive.open(name) as file:
                image = Image.open(file).convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
            faces = detector.all(ImageOps.expand(image, _BORDER, fill=(128, 128, 128)))
            if faces and faces[0].probability >= _SURE:
                found.append((faces[0].landmarks - _BORDER) / _SIDE)
    middle = np.median(found, axis=0)
    mirrored = np.array([1, 0]) + np.array([-1, 1]) * middle[_MIRRORED]
    return (middle + mirrored) / 2, len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1500)
    args = parser.parse_args()
    template, used = measure(args.corpora, args.count)
    print(f"{used} faces")
    print(np.array2string(template, precision=4, separator=", "))


if __name__ == "__main__":
    main()

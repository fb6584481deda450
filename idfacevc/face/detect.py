"""Find the face in a picture with MTCNN, and say in one line what is wrong when there is none to use."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter

from idfacevc.errors import InputError
from idfacevc.face.mtcnn import MTCNN, Found

SMALLEST_SIDE = 32  # pixels; below it no feature of the face is left
_SMALLEST_SOUGHT = 20  # pixels; smaller ones than can be used, so that the fault can be named
_SURE = 0.9
_LARGEST_IMAGE, _SMALLEST_IMAGE = 1280, 320  # longer side in pixels at which faces are searched
_PIXELS = 1 << 22  # searched at a time: 83 frames of LRS3, 4 of 1280x720
_BILINEAR = Image.Resampling.BILINEAR
_BLURRED = 4.0
_PROFILE = 0.5


class FaceWarning(UserWarning):
    """The face can be used, but the result may suffer, or may not be the face that was meant."""


@dataclass(frozen=True)
class Face:
    """A detected face, in pixels of the picture.

    Attributes:
        box: (4,) left, top, right, bottom.
        probability: the detector's, 0 to 1.
        landmarks: (5, 2) x and y of the left and right eye (as seen), the nose, the left and right mouth corner.
    """

    box: np.ndarray
    probability: float
    landmarks: np.ndarray

    @property
    def side(self) -> float:
        """The longer side of the box."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1]))


class FaceDetector:
    """MTCNN, on the CPU: it is quick there, and Apple's GPUs lack its operations."""

    def __init__(self) -> None:
        self._mtcnn = MTCNN()

    def all(self, image: Image.Image) -> list[Face]:
        """Every face found in an RGB image, the largest first."""
        longest = max(image.size)
        scale = min(max(longest, _SMALLEST_IMAGE), _LARGEST_IMAGE) / longest
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        searched = image if scale == 1 else image.resize(size, _BILINEAR, reducing_gap=2.0)
        if min(size) < _SMALLEST_SOUGHT:
            return []
        (found,) = self._mtcnn(_pixels([searched]), _SMALLEST_SOUGHT)
        return _faces(image, size, found)

    def largest(self, frames: Sequence[Image.Image]) -> list[Face | None]:
        """The largest face of at least `SMALLEST_SIDE` in each RGB frame; frames of one size are searched together."""
        found: list[Face | None] = []
        for size, alike in itertools.groupby(frames, key=lambda frame: frame.size):
            found += self._largest(list(alike), size)
        return found

    def _largest(self, frames: list[Image.Image], size: tuple[int, int]) -> list[Face | None]:
        scale = min(1.0, _LARGEST_IMAGE / max(size))
        searched = (round(size[0] * scale), round(size[1] * scale))
        if min(searched) < SMALLEST_SIDE:
            return [None] * len(frames)
        found: list[Face | None] = []
        together = max(1, _PIXELS // (searched[0] * searched[1]))
        for start in range(0, len(frames), together):
            batch = frames[start : start + together]
            sized = [frame if scale == 1 else frame.resize(searched, _BILINEAR, reducing_gap=2.0) for frame in batch]
            # frames are many: faces that could not be used anyway are not searched for, which saves a fifth of the work
            for frame, one in zip(batch, self._mtcnn(_pixels(sized), SMALLEST_SIDE), strict=True):
                faces = _faces(frame, searched, one)
                found.append(faces[0] if faces and faces[0].side >= SMALLEST_SIDE else None)
        return found

    def __call__(
        self, image: Image.Image, name: str = "the picture", strict: bool = False, index: int | None = None
    ) -> Face:
        """The one face to use: the largest, unless another is chosen.

        Args:
            image: RGB.
            name: Name of the picture in messages.
            strict: Refuse a picture of several faces instead of warning.
            index: Number of the face to use, from 0, the largest first.
        Raises:
            InputError: for no face, one below 32 pixels, with `strict` several, and an index that no face has.
        """
        faces = self.all(image)
        if not faces:
            raise InputError(
                f"{name}: no face found in {image.width}x{image.height} pixels; "
                "give a photo that shows one face from the front, not covered"
            )
        face = faces[0]
        if face.side < SMALLEST_SIDE:
            raise InputError(
                f"{name}: the face is too small, {face.side:.0f} pixels; at least {SMALLEST_SIDE} are needed"
            )
        faces = [other for other in faces if other.side >= SMALLEST_SIDE]
        if index is not None:
            if not 0 <= index < len(faces):
                raise InputError(f"{name}: there is no face {index}; found: {_places(faces)}")
            face = faces[index]
        elif len(faces) > 1:
            if strict:
                raise InputError(
                    f"{name}: {len(faces)} faces found; choose one by its number (--face-index) or crop the picture: "
                    f"{_places(faces)}"
                )
            warnings.warn(
                f"{name}: {len(faces)} faces found, the largest is taken; --face-index chooses: {_places(faces)}",
                FaceWarning,
                stacklevel=2,
            )
        if _sharpness(image, face) < _BLURRED:
            warnings.warn(f"{name}: the face looks blurred; a sharper photo may suit better", FaceWarning, stacklevel=2)
        if _turn(face) > _PROFILE:
            warnings.warn(f"{name}: the face is in profile; one from the front suits better", FaceWarning, stacklevel=2)
        return face


def _places(faces: Sequence[Face]) -> str:
    """The numbers of faces, and where they are."""
    return ", ".join(
        f"{number} at x {face.box[[0, 2]].mean():.0f}, y {face.box[[1, 3]].mean():.0f} ({face.side:.0f} pixels)"
        for number, face in enumerate(faces)
    )


def _pixels(images: Sequence[Image.Image]) -> torch.Tensor:
    """RGB images of one size as (B, 3, H, W), 0 to 255."""
    return torch.from_numpy(np.stack([np.asarray(image, np.float32) for image in images])).permute(0, 3, 1, 2)


def _faces(image: Image.Image, searched: tuple[int, int], found: Found) -> list[Face]:
    """What MTCNN is sure of in a picture of size `searched`, in pixels of `image`, the largest first."""
    ratio = np.array([image.width / searched[0], image.height / searched[1]])
    faces = [
        Face(box * np.tile(ratio, 2), float(probability), points * ratio)
        for box, probability, points in zip(*found, strict=True)
        if probability >= _SURE
    ]
    return sorted(faces, key=lambda face: -face.side)


def _sharpness(image: Image.Image, face: Face) -> float:
    """Standard deviation of the Laplacian over the face at 96 pixels, in grey levels."""
    left, top, right, bottom = face.box
    grey = image.crop((left, top, right, bottom)).convert("L").resize((96, 96), _BILINEAR)
    laplacian = grey.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128))
    return float(np.asarray(laplacian, float)[1:-1, 1:-1].std())


def _turn(face: Face) -> float:
    """How far the nose lies from the middle of the eyes along their line, in distances of the eyes."""
    left, right, nose = face.landmarks[:3]
    eyes = right - left
    return float(abs(np.dot(nose - (left + right) / 2, eyes)) / (np.dot(eyes, eyes) + 1e-9))

"""Find the face in a picture with MTCNN, and say in one line what is wrong when there is none to use."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from idfacevc.errors import InputError

SMALLEST_SIDE = 32  # pixels; below it no feature of the face is left
_SURE = 0.9
_LARGEST_IMAGE, _SMALLEST_IMAGE = 1280, 320  # longer side in pixels at which faces are searched
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
    """MTCNN of facenet-pytorch (its weights are inside that package)."""

    def __init__(self, device: str = "cpu") -> None:
        try:
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise InputError(
                "face detection needs facenet-pytorch: pip install --no-deps facenet-pytorch==2.6.0"
            ) from error
        self._mtcnn = MTCNN(keep_all=True, device=device)

    def all(self, image: Image.Image) -> list[Face]:
        """Every face found in an RGB image, the largest first."""
        longest = max(image.size)
        scale = min(max(longest, _SMALLEST_IMAGE), _LARGEST_IMAGE) / longest
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        searched = image if scale == 1 else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        if min(size) < 20:
            return []  # smaller than any face that MTCNN looks for, and than its first network takes
        boxes, probabilities, landmarks = self._mtcnn.detect(searched, landmarks=True)
        if boxes is None:
            return []
        ratio = np.array([image.width / size[0], image.height / size[1]])
        faces = [
            Face(np.asarray(box, float) * np.tile(ratio, 2), float(probability), np.asarray(points, float) * ratio)
            for box, probability, points in zip(boxes, probabilities, landmarks, strict=True)
            if probability >= _SURE
        ]
        return sorted(faces, key=lambda face: -face.side)

    def __call__(self, image: Image.Image, name: str = "the picture", strict: bool = False) -> Face:
        """The one face to use: the largest.

        Args:
            image: RGB.
            name: what messages call the picture.
            strict: refuse a picture of several faces instead of warning.
        Raises:
            InputError: for no face, one below 32 pixels, and with `strict` several.
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
        usable = sum(other.side >= SMALLEST_SIDE for other in faces)
        if usable > 1:
            if strict:
                raise InputError(f"{name}: {usable} faces found; crop the picture to the one that is meant")
            warnings.warn(f"{name}: {usable} faces found, the largest is taken", FaceWarning, stacklevel=2)
        if _sharpness(image, face) < _BLURRED:
            warnings.warn(f"{name}: the face looks blurred; a sharper photo may suit better", FaceWarning, stacklevel=2)
        if _turn(face) > _PROFILE:
            warnings.warn(f"{name}: the face is in profile; one from the front suits better", FaceWarning, stacklevel=2)
        return face


def _sharpness(image: Image.Image, face: Face) -> float:
    """Standard deviation of the Laplacian over the face at 96 pixels, in grey levels."""
    left, top, right, bottom = face.box
    grey = image.crop((left, top, right, bottom)).convert("L").resize((96, 96), Image.Resampling.BILINEAR)
    laplacian = grey.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128))
    return float(np.asarray(laplacian, float)[1:-1, 1:-1].std())


def _turn(face: Face) -> float:
    """How far the nose lies from the middle of the eyes along their line, in distances of the eyes."""
    left, right, nose = face.landmarks[:3]
    eyes = right - left
    return float(abs(np.dot(nose - (left + right) / 2, eyes)) / (np.dot(eyes, eyes) + 1e-9))

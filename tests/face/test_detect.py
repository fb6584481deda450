"""Detection on a real photo: place, scale, and each fault by its name."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image, ImageFilter

from idfacevc.errors import InputError
from idfacevc.face.detect import FaceDetector, FaceWarning


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def test_the_face_of_the_photo(detector: FaceDetector, photo: Image.Image) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FaceWarning)
        face = detector(photo)
    assert face.probability > 0.99
    np.testing.assert_allclose(face.box, [181, 62, 268, 172], atol=6)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_mouth[0] < right_mouth[0]


@pytest.mark.parametrize("side", [300, 2500])
def test_boxes_are_in_the_pixels_of_the_picture(detector: FaceDetector, photo: Image.Image, side: int) -> None:
    face = detector(photo.resize((side, side), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(face.box / side, np.array([181, 62, 268, 172]) / 512, atol=0.03)


def test_a_face_that_is_too_small_is_measured(detector: FaceDetector, photo: Image.Image) -> None:
    with pytest.raises(InputError, match=r"anna\.jpg: the face is too small, \d\d pixels; at least 32"):
        detector(photo.resize((96, 96), Image.Resampling.LANCZOS), "anna.jpg")


@pytest.mark.parametrize("size", [(1, 1), (20, 20), (400, 300), (2000, 8)])
def test_no_face(detector: FaceDetector, size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="no face found"):
        detector(Image.new("RGB", size, "grey"))


def test_several_faces_give_the_largest_or_with_strict_an_error(detector: FaceDetector, photo: Image.Image) -> None:
    pair = Image.new("RGB", (900, 512))
    pair.paste(photo.resize((380, 380)), (0, 60))
    pair.paste(photo, (388, 0))
    with pytest.warns(FaceWarning, match="2 faces found, the largest"):
        face = detector(pair)
    assert face.box[0] > 388
    assert detector(pair, index=1).box[2] < 388
    with pytest.raises(InputError, match=r"no face 2; found: 0 at x .*, 1 at x"):
        detector(pair, index=2)
    with pytest.raises(InputError, match="2 faces found"):
        detector(pair, strict=True)


def test_a_blurred_face_is_used_with_a_hint(detector: FaceDetector, photo: Image.Image) -> None:
    with pytest.warns(FaceWarning, match="blurred"):
        detector(photo.filter(ImageFilter.GaussianBlur(4)))

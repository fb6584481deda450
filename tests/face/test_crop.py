"""Crops: the box with its margin, and the similarity transform onto the template."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from idfacevc.face.crop import TEMPLATE, aligned_crop, box_crop, similarity
from idfacevc.face.detect import Face


def _face(landmarks: np.ndarray) -> Face:
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return Face(np.concatenate([low, high]), 1.0, landmarks)


def _ramp(width: int, height: int) -> Image.Image:
    """Red rises with x and green with y, so that a colour tells where it came from."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([columns * 255 / width, rows * 255 / height, rows * 0], axis=-1)
    return Image.fromarray(pixels.round().astype(np.uint8))


def test_box_crop_adds_the_margin_on_each_side_and_stops_at_the_border() -> None:
    face = Face(np.array([100.0, 100.0, 200.0, 250.0]), 1.0, np.zeros((5, 2)))
    assert box_crop(_ramp(400, 400), face, 0.32).size == (164, 246)
    assert box_crop(_ramp(210, 260), face, 0.32).size == (142, 208)


@pytest.mark.parametrize("angle", [0.0, 25.0, -140.0])
def test_similarity_recovers_a_known_transform(angle: float) -> None:
    radians = np.deg2rad(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    scale, rotation, shift = similarity(TEMPLATE, 37.0 * TEMPLATE @ turn.T + [5.0, -3.0])
    assert scale == pytest.approx(37.0)
    np.testing.assert_allclose(rotation, turn, atol=1e-12)
    np.testing.assert_allclose(shift, [5.0, -3.0], atol=1e-9)


def test_similarity_is_the_least_squares_one_and_never_a_mirror() -> None:
    rng = np.random.default_rng(0)
    target = 50 * TEMPLATE + rng.normal(0, 2, TEMPLATE.shape)
    scale, rotation, shift = similarity(TEMPLATE, target)

    def error(s: float, r: np.ndarray, t: np.ndarray) -> float:
        return float(((s * TEMPLATE @ r.T + t - target) ** 2).sum())

    best = error(scale, rotation, shift)
    for step in (-0.01, 0.01):
        tilt = np.array([[np.cos(step), -np.sin(step)], [np.sin(step), np.cos(step)]])
        assert error(scale * (1 + step), rotation, shift) > best
        assert error(scale, rotation @ tilt, shift) > best
        assert error(scale, rotation, shift + step * 10) > best
    mirrored = TEMPLATE * [-1, 1]
    assert np.linalg.det(similarity(TEMPLATE, mirrored)[1]) == pytest.approx(1.0)


@pytest.mark.parametrize("side", [60.0, 400.0, 1500.0])
@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_aligned_crop_puts_the_landmarks_on_the_template(side: float, angle: float) -> None:
    radians = np.deg2rad(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    corner = np.array([0.6 * side, 0.4 * side])
    landmarks = side * TEMPLATE @ turn.T + corner
    width = height = round(2.5 * side)
    crop = aligned_crop(_ramp(width, height), _face(landmarks))
    assert crop.width == crop.height == min(round(side), 1024)
    for point, landmark in zip(TEMPLATE, landmarks, strict=True):
        red, green, _ = crop.getpixel(tuple((point * crop.width).astype(int)))
        np.testing.assert_allclose([red / 255 * width, green / 255 * height], landmark, atol=0.015 * width)


def test_outside_of_the_picture_its_edge_is_repeated() -> None:
    crop = np.asarray(aligned_crop(Image.new("RGB", (100, 100), (10, 200, 30)), _face(90 * TEMPLATE - 40)))
    assert (crop == (10, 200, 30)).all()


def test_on_a_turned_photo_the_crop_is_upright_and_framed_like_the_corpus(photo: Image.Image) -> None:
    from idfacevc.face.detect import FaceDetector

    detector = FaceDetector()
    turned = photo.rotate(20, resample=Image.Resampling.BICUBIC)
    crop = aligned_crop(turned, detector(turned)).resize((240, 240))
    # the detector needs room around the face
    again = detector(ImageOps.expand(crop, 80, fill=(128, 128, 128))).landmarks
    np.testing.assert_allclose((again - 80) / 240, TEMPLATE, atol=0.05)

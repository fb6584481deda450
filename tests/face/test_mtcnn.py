"""The cascade against facenet-pytorch's, whose weights it carries, and its suppression by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from idfacevc.face.mtcnn import MTCNN, _suppressed


def _scenes(photo: Image.Image) -> list[Image.Image]:
    """The photo turned, mirrored, in several sizes, alone and several times in one picture."""
    crowd = photo.resize((900, 500)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    for number, side in enumerate((90, 160, 240, 310)):
        crowd.paste(ImageOps.mirror(photo).resize((side, side)), (30 + 210 * number, 40 * number))
    turned = [photo.rotate(degrees, expand=True) for degrees in (-25, 15)]
    sized = [photo.resize((side, side)) for side in (60, 150, 640)]
    return [photo, ImageOps.mirror(photo), *turned, *sized, crowd, Image.new("RGB", (80, 50), "grey")]


def _pixels(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image, np.float32)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("smallest", [20, 32])
def test_the_same_faces_as_facenet_pytorch(photo: Image.Image, smallest: int) -> None:
    theirs = pytest.importorskip("facenet_pytorch").MTCNN(keep_all=True, min_face_size=smallest)
    ours, faces = MTCNN(), 0
    for image in _scenes(photo):
        (boxes,), (probabilities,), (landmarks,) = theirs.detect([image], landmarks=True)
        (found,) = ours(_pixels(image), smallest)
        if boxes is None:
            assert not len(found.boxes)
            continue
        faces += len(boxes)
        order, expected = found.probabilities.argsort(), np.asarray(probabilities, float).argsort()
        np.testing.assert_allclose(found.probabilities[order], np.asarray(probabilities, float)[expected], atol=1e-3)
        np.testing.assert_allclose(found.boxes[order], np.asarray(boxes, float)[expected], atol=0.1)
        np.testing.assert_allclose(found.landmarks[order], np.asarray(landmarks, float)[expected], atol=0.1)
    assert faces >= 9


def test_pictures_searched_together_are_searched_alone(photo: Image.Image) -> None:
    net = MTCNN()
    pictures = torch.cat([_pixels(photo), _pixels(ImageOps.mirror(photo)), torch.zeros(1, 3, 512, 512)])
    together = net(pictures, 20)
    assert [len(found.boxes) > 0 for found in together] == [True, True, False]
    for found, picture in zip(together, pictures, strict=True):
        (alone,) = net(picture[None], 20)
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=0.1)


def test_suppression_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10], [22, 2, 26, 6], [0, 0, 10, 10]], float)
    scores, index = np.array([0.7, 0.9, 0.8, 0.95, 0.1]), np.array([0, 0, 0, 0, 1])
    # 0 shares 0.8 with the surer 1; 3 lies inside 2 but is small; 4 is alone in its picture
    assert _suppressed(boxes, scores, index, 0.7).tolist() == [3, 1, 2, 4]
    assert _suppressed(boxes, scores, index, 0.7, inside=True).tolist() == [3, 1, 4]
    assert _suppressed(boxes[:0], scores[:0], index[:0], 0.7).tolist() == []

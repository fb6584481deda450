"""Cut the face out of a picture. Crops keep the picture's resolution; the backbone that reads them resizes."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from idfacevc.config.face import FaceSpec
from idfacevc.face.detect import Face

# Where aligned face corpora show eyes, nose and mouth corners, as x and y in a crop of side 1: the median of MTCNN's
# landmarks over 1,390 of FairFace's crops with 25 % margin, made symmetric (benchmarks/face_template.py).
TEMPLATE = np.array([[0.3188, 0.3031], [0.6812, 0.3031], [0.5, 0.5171], [0.3422, 0.6942], [0.6578, 0.6942]])

_LARGEST_CROP = 1024
_FRAMINGS = (0.88, 0.0), (1.15, 0.0), (1.0, 7.0), (1.0, -7.0)  # zoom and turn in degrees


def crop_face(image: Image.Image, face: Face, spec: FaceSpec) -> Image.Image:
    """The crop that a backbone's configuration asks for, RGB."""
    return aligned_crop(image, face) if spec.crop == "aligned" else box_crop(image, face, spec.margin)


def box_crop(image: Image.Image, face: Face, margin: float) -> Image.Image:
    """The detector's box, enlarged by `margin` of its width and height on each side and cut at the picture's border."""
    left, top, right, bottom = face.box
    width, height = right - left, bottom - top
    return image.crop(
        (
            max(0, round(left - margin * width)),
            max(0, round(top - margin * height)),
            min(image.width, round(right + margin * width)),
            min(image.height, round(bottom + margin * height)),
        )
    )


def aligned_crop(image: Image.Image, face: Face) -> Image.Image:
    """A square crop, turned and scaled so that the landmarks lie on `TEMPLATE`; the edge is repeated outside."""
    scale, rotation, shift = similarity(TEMPLATE, face.landmarks)
    side = min(max(1, round(scale)), _LARGEST_CROP)
    corners = scale * np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) @ rotation.T + shift
    # only the part that is needed becomes floats, and one that is far larger than the crop is reduced first
    low = np.clip(np.floor(corners.min(axis=0)) - 2, 0, np.array(image.size) - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2, low + 1, image.size).astype(int)
    factor = max(1, math.floor(scale / side))
    part = image.crop((*low, *high)).reduce(factor)
    pixels = torch.from_numpy(np.asarray(part, np.float32)).permute(2, 0, 1)[None]

    centres = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    points = scale * grid @ torch.from_numpy(rotation.T.copy()) + torch.from_numpy(shift - low)
    size = torch.tensor([part.width * factor, part.height * factor])
    sampled = F.grid_sample(
        pixels, (points / size * 2 - 1).float()[None], "bilinear", padding_mode="border", align_corners=False
    )
    return Image.fromarray(sampled[0].permute(1, 2, 0).round().to(torch.uint8).numpy())


def framings(image: Image.Image) -> list[Image.Image]:
    """A crop, and the same a little nearer, farther, and turned to either side; outside it is mirrored."""
    border = max(image.size) // 4
    edges = ((border, border), (border, border), (0, 0))
    wide = Image.fromarray(np.pad(np.asarray(image.convert("RGB")), edges, mode="symmetric"))
    centre, half = np.array(wide.size) / 2, np.array(image.size) / 2
    framed = [image]
    for zoom, degrees in _FRAMINGS:
        turned = wide.rotate(degrees, Image.Resampling.BICUBIC)
        box = (*(centre - half / zoom), *(centre + half / zoom))
        framed.append(turned.resize(image.size, Image.Resampling.BICUBIC, box))
    return framed


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation (2, 2) and shift (2,) that map points `source` (n, 2) onto `target` best in the least squares.

    Umeyama 1991: target = scale * rotation @ source + shift, without reflection.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred, aim = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(aim.T @ centred / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = float((singular * sign).sum() / (centred**2).sum(axis=1).mean())
    return scale, rotation, target_mean - scale * rotation @ source_mean

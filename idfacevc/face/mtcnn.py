"""MTCNN (Zhang et al. 2016): a cascade of three small networks that proposes, refines and confirms faces.

The weights are those of facenet-pytorch (MIT), which has them from the TensorFlow port of the authors' release.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).with_name("mtcnn.safetensors")

_THRESHOLDS = 0.6, 0.7, 0.7  # least probability after each network
_SHRINK = 0.709  # from one scale to the next: half the pixels
_STRIDE, _CELL = 2, 12  # of the first network, in pixels of the scaled picture
_TOGETHER = 512  # candidates in one pass


class Found(NamedTuple):
    """The faces of one picture, in its pixels; empty arrays where there is none.

    Attributes:
        boxes: (N, 4) left, top, right, bottom.
        probabilities: (N,).
        landmarks: (N, 5, 2) x and y of left and right eye (as seen), nose, left and right corner of the mouth.
    """

    boxes: np.ndarray
    probabilities: np.ndarray
    landmarks: np.ndarray


class _Network(nn.Module):
    """A trunk and its heads: the probability of a face, corrections of the box, landmarks."""

    def __init__(self, trunk: Sequence[nn.Module], heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*trunk)
        self.heads = nn.ModuleList(heads)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        hidden = self.trunk((pixels - 127.5) / 128)
        logits, *corrections = [head(hidden) for head in self.heads]
        return [logits.softmax(dim=1)[:, 1], *corrections]


class MTCNN(nn.Module):
    """The three networks with their weights, in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.propose = _Network(
            [*_conv(3, 10, 3), _pool(2), *_conv(10, 16, 3), *_conv(16, 32, 3)],
            [nn.Conv2d(32, values, 1) for values in (2, 4)],
        )
        self.refine = _Network(
            [*_conv(3, 28, 3), _pool(3), *_conv(28, 48, 3), _pool(3), *_conv(48, 64, 2), *_dense(576, 128)],
            [nn.Linear(128, values) for values in (2, 4)],
        )
        self.confirm = _Network(
            [
                *(*_conv(3, 32, 3), _pool(3), *_conv(32, 64, 3), _pool(3), *_conv(64, 64, 3), _pool(2)),
                *(*_conv(64, 128, 2), *_dense(1152, 256)),
            ],
            [nn.Linear(256, values) for values in (2, 4, 10)],
        )
        self.load_state_dict(load_file(WEIGHTS))
        self.eval().requires_grad_(False)

    @torch.inference_mode()
    def forward(self, pictures: Tensor, smallest: float) -> list[Found]:
        """The faces in each of the pictures.

        Args:
            pictures: (B, 3, H, W) RGB from 0 to 255; no side shorter than `smallest`.
            smallest: Side of the smallest face to look for, in pixels, at least 12.
        """
        boxes, index = self._proposals(pictures.float(), smallest)
        empty = Found(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
        boxes, index, (probabilities, shifts) = _seen(self.refine, pictures, boxes, index, 24, _THRESHOLDS[1])
        kept = _suppressed(boxes, probabilities, index, 0.7)
        boxes = _squares(_corrected(boxes[kept], shifts[kept]))
        boxes, index, (probabilities, shifts, marks) = _seen(
            self.confirm, pictures, boxes, index[kept], 48, _THRESHOLDS[2]
        )
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        marks = marks.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + boxes[:, None, :2] - 1
        boxes = _corrected(boxes, shifts)
        kept = _suppressed(boxes, probabilities, index, 0.7, inside=True)
        boxes, probabilities, marks, index = boxes[kept], probabilities[kept], marks[kept], index[kept]
        here = [index == number for number in range(len(pictures))]
        return [Found(boxes[one], probabilities[one], marks[one]) if one.any() else empty for one in here]

    def _proposals(self, pictures: Tensor, smallest: float) -> tuple[np.ndarray, np.ndarray]:
        """Square boxes (N, 4) that may show a face, and the picture of each (N,)."""
        height, width = pictures.shape[2:]
        scale = _CELL / smallest
        rows = []
        while min(height, width) * scale >= _CELL:
            scaled = F.interpolate(pictures, (int(height * scale + 1), int(width * scale + 1)), mode="area")
            probabilities, shifts = self.propose(scaled)
            index, y, x = (place.numpy() for place in (probabilities >= _THRESHOLDS[0]).nonzero(as_tuple=True))
            corner = _STRIDE * np.stack([x, y], axis=1).astype(np.float32) + 1
            boxes = np.floor(np.concatenate([corner, corner + _CELL - 1], axis=1) / np.float32(scale))
            scores, shift = probabilities.numpy()[index, y, x], shifts.numpy()[index, :, y, x]
            kept = _suppressed(boxes, scores, index, 0.5)
            rows.append(np.concatenate([boxes, scores[:, None], shift, index[:, None]], axis=1)[kept])
            scale *= _SHRINK
        found = np.concatenate(rows)
        boxes, scores, shifts, index = found[:, :4], found[:, 4], found[:, 5:9], found[:, 9].astype(int)
        kept = _suppressed(boxes, scores, index, 0.7)
        boxes, shifts = boxes[kept], shifts[kept]
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        return _squares(boxes + shifts * sides), index[kept]


def _conv(inputs: int, outputs: int, size: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, size), nn.PReLU(outputs)]


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(inputs, outputs), nn.PReLU(outputs)]


def _pool(size: int) -> nn.Module:
    return nn.MaxPool2d(size, 2, ceil_mode=True)


def _seen(
    network: _Network, pictures: Tensor, boxes: np.ndarray, index: np.ndarray, side: int, threshold: float
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The boxes in which a network sees a face, the picture of each, and what the network says of each."""
    height, width = pictures.shape[2:]
    whole = np.trunc(boxes).astype(int)
    low = np.maximum(whole[:, :2], 1) - 1
    high = np.minimum(whole[:, 2:], [width, height])
    inside = (high > low).all(axis=1)
    boxes, index = boxes[inside], index[inside]
    crops = [
        F.interpolate(pictures[number, :, top:bottom, left:right][None].float(), (side, side), mode="area")
        for number, (left, top), (right, bottom) in zip(index, low[inside], high[inside], strict=True)
    ]
    batch = torch.cat(crops) if crops else torch.zeros(0, 3, side, side)
    passes = [network(part) for part in batch.split(_TOGETHER)]
    values = [torch.cat(parts).numpy() for parts in zip(*passes, strict=True)]
    sure = values[0] > threshold
    return boxes[sure], index[sure], [value[sure] for value in values]


def _corrected(boxes: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Boxes moved by shifts (N, 4) of their edges, in sides."""
    return boxes + shifts * np.tile(boxes[:, 2:] - boxes[:, :2] + 1, 2)


def _squares(boxes: np.ndarray) -> np.ndarray:
    """Squares of the longer side around the same centres."""
    sides = boxes[:, 2:] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + (sides - longest) / 2
    return np.concatenate([corner, corner + longest], axis=1)


def _suppressed(
    boxes: np.ndarray, scores: np.ndarray, index: np.ndarray, threshold: float, inside: bool = False
) -> np.ndarray:
    """Non-maximum suppression in each picture: which boxes stay, the surest first.

    Args:
        boxes: (N, 4).
        scores: (N,).
        index: (N,) the picture of each box.
        threshold: A box goes when it overlaps a surer one by more.
        inside: The overlap is measured in the smaller of two boxes, with edges that count as pixels; else in their
            union.
    """
    edge = 1.0 if inside else 0.0
    order = np.argsort(-scores, kind="stable")
    corners, ends, index = boxes[order, :2], boxes[order, 2:], index[order]
    areas = (ends - corners + edge).prod(axis=1)
    stays = np.ones(len(boxes), bool)
    for one in range(len(boxes)):
        if not stays[one]:
            continue
        rest = one + 1 + np.flatnonzero(stays[one + 1 :] & (index[one + 1 :] == index[one]))
        sides = np.minimum(ends[one], ends[rest]) - np.maximum(corners[one], corners[rest]) + edge
        common = np.maximum(sides, 0).prod(axis=1)
        whole = np.minimum(areas[one], areas[rest]) if inside else areas[one] + areas[rest] - common
        stays[rest[common > threshold * whole]] = False
    return order[stays]

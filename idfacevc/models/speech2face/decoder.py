"""The face decoder after Cole et al. (2017): landmarks and a texture in mean geometry, and the warp that joins them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from idfacevc.errors import InputError
from idfacevc.models.speech2face.warp import warp

_KERNEL = 5


@dataclass(frozen=True)
class FaceDecoderSpec:
    """Sizes of the decoder; the defaults are those of the paper's setting.

    Attributes:
        inputs: Length of the face features; 4096 for VGG-Face.
        hidden: Units of the first layer, 1000 in the paper.
        points: Landmarks. The detector of this project gives 5: eyes, nose, corners of the mouth.
        shape: Units of the hidden layers between the first one and the landmarks.
        channels: Of the texture, from the smallest map on; each following one has twice the side.
        size: Side of the picture in pixels.
    """

    inputs: int = 4096
    hidden: int = 1000
    points: int = 5
    shape: tuple[int, ...] = (512, 256)
    channels: tuple[int, ...] = (256, 128, 64, 32, 32)
    size: int = 224

    def __post_init__(self) -> None:
        if self.size % 2 ** (len(self.channels) - 1):
            raise InputError(f"a picture of {self.size} pixels cannot be halved {len(self.channels) - 1} times")


class FaceDecoder(nn.Module):
    """A normalised face of features. Shape: (B, inputs) -> (B, 3, size, size) in [0, 1]."""

    mean_points: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, spec: FaceDecoderSpec = FaceDecoderSpec()) -> None:
        super().__init__()
        self.spec = spec
        self.side = spec.size // 2 ** (len(spec.channels) - 1)
        self.first = nn.Linear(spec.inputs, spec.hidden)
        sizes = (spec.hidden, *spec.shape)
        hidden = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(sizes)]
        self.landmarks = nn.Sequential(nn.ReLU(), *hidden, nn.Linear(sizes[-1], 2 * spec.points))
        self.grown = nn.Sequential(nn.ReLU(), nn.Linear(spec.hidden, spec.channels[0] * self.side**2))
        stages: list[nn.Module] = []
        for into, out in zip(spec.channels, spec.channels[1:], strict=False):
            up = nn.ConvTranspose2d(into, out, _KERNEL, stride=2, padding=2, output_padding=1)
            stages += [nn.BatchNorm2d(into), nn.ReLU(), up]
        self.texture = nn.Sequential(*stages, nn.ReLU(), nn.Conv2d(spec.channels[-1], 3, 1), nn.Sigmoid())
        self.register_buffer("mean_points", torch.zeros(spec.points, 2))
        self.register_buffer("mean", torch.zeros(spec.inputs))
        self.register_buffer("scale", torch.ones(spec.inputs))

    @torch.no_grad()
    def set_statistics(self, points: Tensor, features: Tensor) -> None:
        """Mean geometry (points, 2), and the features (n, inputs) by which those to come are standardised."""
        self.mean_points.copy_(points)
        self.mean.copy_(features.mean(dim=0))
        self.scale.copy_(features.std(dim=0).clamp(min=1e-3))

    def shared(self, features: Tensor) -> Tensor:
        """The first layer, of standardised features. Shape: (B, inputs) -> (B, hidden)."""
        return self.first((features - self.mean) / self.scale)

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Landmarks (B, points, 2), as shares of the side, and textures (B, 3, size, size) in mean geometry."""
        shared = self.shared(features)
        moved = self.landmarks(shared).view(-1, self.spec.points, 2)
        maps = self.grown(shared).view(-1, self.spec.channels[0], self.side, self.side)
        return self.mean_points + moved, self.texture(maps)

    def joined(self, points: Tensor, texture: Tensor) -> Tensor:
        """Textures (B, 3, H, W) warped so that their landmarks lie at points (B, points, 2)."""
        return warp(texture, self.mean_points.expand(len(points), -1, -1), points)

    def normalised(self, images: Tensor, points: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) with landmarks at points (B, points, 2), warped into mean geometry."""
        return warp(images, points, self.mean_points.expand(len(points), -1, -1))

    def forward(self, features: Tensor) -> Tensor:
        return self.joined(*self.parts(features))

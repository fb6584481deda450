"""A small face backbone for the token slot that CLIP fills in the paper's setting.

A convolutional stem learns from tens of thousands of pictures, where a plain vision transformer does not; what it hands
on has the shape of CLIP's output, a set of patch tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from idfacevc.backbones.base import pixels
from idfacevc.config.face import TowerSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.errors import InputError
from idfacevc.files import readable, replacing

TOWER_FILE = "face.safetensors"

GENDERS = ("f", "m")
AGE_BINS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")


class TowerBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut. Shape: (B, C_in, H, W) -> (B, C_out, H/stride, W/stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(hidden)) + self.shortcut(x))


class FaceTower(nn.Module):
    """Residual network whose last feature map is read as tokens, with heads for gender and age.

    Args:
        spec: Its sizes. Every stage after the first halves the resolution, and so does the stem.

    Shape:
        images (B, 3, image_size, image_size), RGB in [0, 1] -> tokens (B, P, D), D = channels[-1],
        P = 25 for 72 pixels and four stages.
    """

    def __init__(self, spec: TowerSpec) -> None:
        super().__init__()
        channels, blocks = spec.channels, spec.blocks
        if len(channels) != len(blocks):
            raise ValueError(f"channels and blocks must be of one length, got {channels} and {blocks}")
        self.spec, self.image_size = spec, spec.image_size
        self.dim = channels[-1]
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, 2, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU()
        )
        stages: list[nn.Module] = []
        width = channels[0]
        for index, (stage_width, count) in enumerate(zip(channels, blocks, strict=True)):
            for block in range(count):
                stages.append(TowerBlock(width, stage_width, 2 if block == 0 and index > 0 else 1))
                width = stage_width
        self.stages = nn.Sequential(*stages)
        self.gender_head = nn.Linear(self.dim, len(GENDERS))
        self.age_head = nn.Linear(self.dim, len(AGE_BINS))

    def forward(self, images: Tensor) -> Tensor:
        """Tokens (B, P, D) of images (B, 3, H, W) in [0, 1].

        In evaluation mode they are averaged with those of the mirror image, laid back: a face and its mirror image are
        one person (on faces-valid, 20-59 years, gender right rises from 0.932 to 0.941).
        """
        features = self.stages(self.stem(images * 2 - 1))
        if not self.training:
            features = (features + self.stages(self.stem(images.flip(3) * 2 - 1)).flip(3)) / 2
        return features.flatten(2).transpose(1, 2)

    def attributes(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of gender (B, 2), order `GENDERS`, and age bin (B, 9), order `AGE_BINS`, from tokens (B, P, D)."""
        pooled = tokens.mean(dim=1)
        return self.gender_head(pooled), self.age_head(pooled)


def save_tower(folder: Path, tower: FaceTower) -> None:
    """Write face.safetensors, with the sizes in its header, into `folder`."""
    with replacing(folder / TOWER_FILE) as temporary:
        write_tower(tower, temporary)


def write_tower(tower: FaceTower, path: Path) -> None:
    """Write the file itself."""
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in tower.state_dict().items()}
    save_file(tensors, path, {"spec": json.dumps(to_dict(tower.spec))})


def load_tower(folder: Path) -> FaceTower:
    """The tower in `folder`, its weights loaded strictly, in evaluation mode.

    Raises:
        InputError: where there is none, or it is damaged.
    """
    path = folder / TOWER_FILE
    try:
        with readable(path, "face tower") as file:
            with safe_open(file, framework="pt") as handle:
                spec = from_dict(TowerSpec, json.loads((handle.metadata() or {}).get("spec", "null")))
            tower = FaceTower(spec)
            tower.load_state_dict(load_file(file))
    except (SafetensorError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError) and str(path) in str(error):
            raise
        raise InputError(f"{path}: is damaged or holds no face tower ({' '.join(str(error).split())[:200]})") from error
    # twice as fast on the CPU as the default layout
    return tower.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]


class TowerBackbone:
    """The bundle's own `FaceTower`."""

    def __init__(self, tower: FaceTower, device: torch.device | str = "cpu") -> None:
        self.tower = tower.to(device).eval()

    @torch.no_grad()
    def tokens(self, images: Sequence[Image.Image]) -> Tensor:
        size = self.tower.image_size
        device = next(self.tower.parameters()).device
        return self.tower(torch.cat([pixels(image, size, Image.Resampling.BILINEAR) for image in images]).to(device))

"""What turns pictures of a face into tokens: the frozen network and the crop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class ClipSpec:
    """Tokens of a CLIP vision transformer (IAQ-CL).

    Attributes:
        name, revision: Hub id or folder of the model; its weights are never copied into a bundle.
        layer: Hidden state that is read, counted as transformers does; -2 is the penultimate layer (OPEN 5).
        drop_cls: Leave the class token out.
    """

    kind: Literal["clip"] = "clip"
    name: str = "openai/clip-vit-base-patch32"
    revision: str | None = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"
    layer: int = -2
    drop_cls: bool = False


@dataclass(frozen=True)
class TowerSpec:
    """Sizes of `backbones.tower.FaceTower`, a small network inside the bundle.

    Attributes:
        channels, blocks: Width and number of residual blocks of each stage.
        image_size: Side of the square input in pixels.
    """

    kind: Literal["tower"] = "tower"
    channels: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 2, 2)
    image_size: int = 72


@dataclass(frozen=True)
class FaceNetSpec:
    """One FaceNet vector as a single token (FVMVC). `name` is a file of weights of facenet-pytorch."""

    kind: Literal["facenet"] = "facenet"
    name: str = "facenet.pt"


@dataclass(frozen=True)
class FaceSpec:
    """What turns pictures of a face into tokens (B, P, D).

    Attributes:
        backbone: The frozen network.
        token_dim: D, 768 for CLIP's ViT-B/32, 512 for FaceNet, the last of the tower's channels.
        crop: "box" is the detector's box enlarged by `margin` of its side on each side (OPEN 4); "aligned" is a
            similarity transform of the landmarks onto the framing of aligned face corpora.
        max_frames: Frames sampled of a video.
        framings: At inference, average over slightly other framings of each crop, so that chance in the framing of a
            photo weighs less.
        frames: "mean" averages a clip's frames (the paper); "random" keeps each of them, and a training draws one anew
            each time (the paper's ablation without IAQ-CL).
    """

    backbone: ClipSpec | TowerSpec | FaceNetSpec = field(default_factory=ClipSpec)
    token_dim: int = 768
    crop: Literal["box", "aligned"] = "box"
    margin: float = 0.32
    max_frames: int = 32
    framings: bool = False
    frames: Literal["mean", "random"] = "mean"

"""CLIP and CLAP as the hub's files hold them, at any size, with random weights.

python -m tests.pretrained_models FOLDER    # FOLDER/clip and FOLDER/clap, small
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

CLIP_DIM, CLAP_DIM = 32, 128


def write_clip(folder: Path, **sizes: int) -> Path:
    """A CLIP vision transformer: of 3 layers, 5 tokens and width `CLIP_DIM`, unless `sizes` say otherwise."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    small = {"hidden_size": CLIP_DIM, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2,
             "image_size": 64, "patch_size": 32}  # fmt: skip
    CLIPVisionModel(CLIPVisionConfig(**{**small, **sizes})).save_pretrained(folder)
    return folder


def write_clap(folder: Path, **sizes: int | list[int]) -> Path:
    """The audio tower of a CLAP model with its preprocessing: of width `CLAP_DIM`, unless `sizes` say otherwise."""
    from transformers import ClapAudioConfig, ClapAudioModel, ClapFeatureExtractor

    torch.manual_seed(0)
    small = {"patch_embeds_hidden_size": 16, "hidden_size": CLAP_DIM, "depths": [1, 1, 1, 1],
             "num_attention_heads": [1, 2, 2, 2], "projection_dim": 16}  # fmt: skip
    ClapAudioModel(ClapAudioConfig(**{**small, **sizes})).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder


if __name__ == "__main__":
    write_clip(Path(sys.argv[1]) / "clip")
    write_clap(Path(sys.argv[1]) / "clap")

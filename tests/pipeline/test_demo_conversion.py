"""The demo's bundle says what it always said: a conversion beside the one that was stored with the bundle.

`python -m tests.pipeline.test_demo_conversion` stores it anew; do that only for another bundle.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage.data import astronaut

from idfacevc import IDFaceVC
from tests.conftest import RATE, vowels

STORED = Path(__file__).with_name("demo_conversion.safetensors")
DEMO = Path(__file__).parents[2] / "checkpoints/demo"


def converted(vector: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    """The voice of a photo; mel and samples of a second of speech-like sound in a given voice (D,), or in that one."""
    vc = IDFaceVC.from_pretrained(DEMO)
    made = vc.voice_from_face(Image.fromarray(astronaut()))
    voice = made if vector is None else dataclasses.replace(made, vector=vector.numpy())
    speech = vc.convert(voice, audio=(vowels(1.0), RATE), loudness=None)
    return {
        "voice": torch.from_numpy(made.vector),
        "mel": torch.from_numpy(speech.mel.copy()),
        "samples": torch.from_numpy(speech.samples.copy()),
    }


def test_a_conversion_is_the_stored_one() -> None:
    before = load_file(STORED)
    now = converted(before["voice"])  # a crop that is moved by half a pixel moves all samples
    for name, stored in before.items():
        error = (now[name] - stored).square().mean().sqrt()
        assert error < 0.01 * stored.square().mean().sqrt(), f"{name}: off by {error:.1e}"


if __name__ == "__main__":
    save_file({name: tensor.contiguous() for name, tensor in converted().items()}, STORED)

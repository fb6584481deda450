"""The demo's bundle says what it always said: a conversion beside the one that was stored with the bundle.

`python -m tests.pipeline.test_demo_conversion` stores it anew; do that only for another bundle.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage.data import astronaut

from idfacevc import IDFaceVC
from tests.conftest import RATE, vowels

STORED = Path(__file__).with_name("demo_conversion.safetensors")
DEMO = Path(__file__).parents[2] / "checkpoints/demo"


def converted() -> dict[str, torch.Tensor]:
    """Voice, mel and samples of a photo and a second of speech-like sound."""
    vc = IDFaceVC.from_pretrained(DEMO)
    voice = vc.voice_from_face(Image.fromarray(astronaut()))
    speech = vc.convert(voice, audio=(vowels(1.0), RATE))
    return {
        "voice": voice.vector,
        "mel": torch.from_numpy(speech.mel.copy()),
        "samples": torch.from_numpy(speech.samples.copy()),
    }


def test_a_conversion_is_the_stored_one() -> None:
    now = converted()
    for name, stored in load_file(STORED).items():
        error = (now[name] - stored).square().mean().sqrt()
        assert error < 0.01 * stored.square().mean().sqrt(), f"{name}: off by {error:.1e}"


if __name__ == "__main__":
    save_file({name: tensor.contiguous() for name, tensor in converted().items()}, STORED)

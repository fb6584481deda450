"""Shared material: a tiny bundle of random weights on the real load path, a real photo, and short speech."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from idfacevc.audio.mel import LogMel
from idfacevc.backbones.tower import FaceTower
from idfacevc.bundles.model import save_bundle
from idfacevc.config.content import VqcpcSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GriffinLimSpec
from idfacevc.models.idfacevc.network import IDFaceVCNet
from tests.sizes import tiny_spec

RATE = 16000


def write_tiny_bundle(folder: Path, seed: int = 0) -> Path:
    """A bundle of random weights whose mels have the level of speech."""
    torch.manual_seed(seed)
    spec = tiny_spec(front_end=FrontEndSpec(), content=VqcpcSpec(hidden=24, layers=2, dim=8, codes=32, codebooks=2))
    sizes = spec.face.backbone
    assert sizes.kind == "tower"
    net = IDFaceVCNet(spec)
    net.mel_mean.fill_(-2.5)
    net.mel_std.fill_(0.8)
    with torch.no_grad():  # codebooks of the encoder's own outputs, so that many codes are used
        outputs = net.content.encode(net.normalise_mel(LogMel(spec.front_end)(torch.from_numpy(vowels(1.0))[None])))[0]
        first, second = net.content.quantizers
        first.codebook.copy_(outputs[: len(first.codebook)])
        second.codebook.copy_((outputs - outputs.roll(1, dims=0))[: len(second.codebook)])
    tower = FaceTower(sizes)
    save_bundle(folder, net, tower, name="tiny", vocoder=GriffinLimSpec(iterations=10))
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle of random weights; leave it as it is."""
    return write_tiny_bundle(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """The astronaut photo: one face of 110 pixels, from the front."""
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="session")
def photo_path(photo: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    photo.save(path)
    return path


def vowels(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Something like speech: a gliding pulse train through moving resonances, in syllables; float32 (N,)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 130 * np.exp(0.2 * np.sin(2 * np.pi * 0.6 * time + rng.uniform(0, 6)))
    phase = np.cumsum(pitch) / rate
    first = 500 + 250 * np.sin(2 * np.pi * 1.3 * time)
    second = 1500 + 500 * np.sin(2 * np.pi * 0.9 * time + 1)
    wave = np.zeros_like(time)
    for harmonic in range(1, 30):
        frequency = harmonic * pitch
        gain = sum(1 / (1 + ((frequency - centre) / 120) ** 2) for centre in (first, second))
        wave += gain * np.sin(2 * np.pi * harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 2.5 * time) * 3, 0, 1)
    wave = wave * syllables + 0.002 * rng.standard_normal(len(time))
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """1.5 s at 16 kHz, (N,) float32."""
    return vowels(1.5)


@pytest.fixture(scope="session")
def speech_path(speech: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import soundfile

    path = tmp_path_factory.mktemp("speech") / "source.wav"
    soundfile.write(path, speech, RATE)
    return path


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the demo's real speech and faces."""
    folder = os.environ.get("IDFACEVC_CORPORA")
    if not folder:
        pytest.skip("needs the demo's corpora: set IDFACEVC_CORPORA to their folder")
    return Path(folder)

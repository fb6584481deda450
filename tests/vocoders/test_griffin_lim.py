"""Griffin-Lim: mel inversion, blocks without seams, seeds, faults."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from idfacevc.audio.mel import LogMel
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GriffinLimSpec
from idfacevc.errors import InputError
from idfacevc.vocoders.griffin_lim import GriffinLim
from idfacevc.vocoders.registry import build_vocoder
from tests.conftest import vowels
from tests.front_ends import PROFILES

SPEC = FrontEndSpec(floor=1e-5)


def log_mel(wave: np.ndarray, spec: FrontEndSpec = SPEC) -> torch.Tensor:
    return LogMel(spec)(torch.from_numpy(wave.astype(np.float32))[None])[0]


def tone(seconds: float, rate: int) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def test_the_mel_of_the_output_is_the_mel_of_the_input() -> None:
    mel = log_mel(vowels(2.0))
    again = log_mel(GriffinLim(SPEC)(mel))[:, : mel.shape[1]]
    assert 20 * (again - mel).abs().mean() < 1.0  # dB


def test_magnitudes_are_not_negative_and_keep_the_mel() -> None:
    vocoder = GriffinLim(SPEC)
    mel = log_mel(vowels(1.0))
    magnitude = vocoder.magnitude(mel)
    assert magnitude.shape == (mel.shape[1], 201)
    assert magnitude.min() >= 0
    again = LogMel(SPEC).filters @ magnitude.T
    assert 20 * (again.clamp_min(SPEC.floor).log10() - mel).abs().mean() < 0.5


@pytest.mark.parametrize("profile", ["vqmivc16k", "pwg24k", "pwg22k", "facetts16k"])
def test_every_front_end_gives_a_hop_of_samples_a_frame(profile: str) -> None:
    spec = PROFILES[profile]
    mel = log_mel(tone(0.5, spec.sample_rate), spec)
    wave = GriffinLim(spec, iterations=20)(mel)
    assert wave.dtype == np.float32
    assert len(wave) == mel.shape[1] * spec.hop_length
    middle = wave[len(wave) // 4 : -len(wave) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.15)


def test_a_long_tone_has_no_seam_between_blocks() -> None:
    rate = SPEC.sample_rate
    wave = GriffinLim(SPEC, iterations=60)(log_mel(tone(13, rate)))[rate // 4 : -rate // 4]
    curvature = np.abs(np.diff(wave, 2))
    # a click of one sample's height would be far above the curvature of the tone itself
    assert curvature.max() < 1.25 * np.percentile(curvature, 99)
    level = np.sqrt(np.mean(wave[: len(wave) // 320 * 320].reshape(-1, 320) ** 2, axis=1))
    assert level.min() > 0.9 * level.mean()
    assert level.max() < 1.1 * level.mean()


def test_borders_of_blocks_cost_no_quality() -> None:
    mel = log_mel(vowels(21.0))
    errors = {}
    for name, block in (("blocks", 400), ("whole", 10**6)):
        vocoder = GriffinLim(SPEC, iterations=60)
        vocoder._block = block
        errors[name] = (log_mel(vocoder(mel))[:, : mel.shape[1]] - mel).abs().mean(dim=0)
    border = torch.stack([torch.arange(frame - 3, frame + 3) for frame in range(400, 2000, 400)]).flatten()
    assert errors["blocks"][border].mean() < 1.2 * errors["whole"][border].mean()
    assert errors["blocks"].mean() < 1.05 * errors["whole"].mean()


def test_pieces_of_any_size_give_the_same_samples() -> None:
    vocoder = GriffinLim(SPEC, iterations=5)
    mel = log_mel(vowels(9.5))
    whole = vocoder(mel, seed=3)
    for size in (7, 256, 421):
        np.testing.assert_array_equal(np.concatenate(list(vocoder.stream(mel.split(size, dim=1), seed=3))), whole)


def test_long_mels_come_out_while_they_go_in() -> None:
    """Memory is bounded: no more than a block and its look-ahead is held back."""
    taken = 0

    def mels():
        nonlocal taken
        for _ in range(20):
            taken += 100
            yield torch.full((80, 100), -3.0)

    given = 0
    for piece in GriffinLim(SPEC, iterations=1).stream(mels()):
        given += len(piece) / SPEC.hop_length
        assert taken - given < 650


def test_seed_decides_the_samples() -> None:
    vocoder = GriffinLim(SPEC, iterations=5)
    mel = log_mel(vowels(0.5))
    np.testing.assert_array_equal(vocoder(mel, seed=1), vocoder(mel, seed=1))
    assert not np.array_equal(vocoder(mel, seed=1), vocoder(mel, seed=2))


@pytest.mark.parametrize(
    ("mel", "words"),
    [
        (torch.full((80, 10), float("nan")), "not finite"),
        (torch.full((80, 10), float("inf")), "not finite"),
        (torch.zeros(79, 10), r"\(80, T\), not \(79, 10\)"),
        (torch.zeros(1, 80, 10), r"not \(1, 80, 10\)"),
    ],
)
def test_a_mel_that_cannot_be_used_is_refused(mel: torch.Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build_vocoder(GriffinLimSpec())(mel)

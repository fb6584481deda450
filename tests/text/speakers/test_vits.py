"""The VITS of transformers, loaded the way real checkpoints are."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from idfacevc.errors import InputError
from idfacevc.text.speakers.registry import base_speaker
from idfacevc.text.speakers.vits import VitsSpeaker, sources
from tests.text.speakers.vits_models import save_vits

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_vits(tmp_path_factory.mktemp("vits"), speakers=3)


def test_samples_and_seeds(folder):
    speaker = base_speaker("vits", folder=folder)
    state = torch.random.get_rng_state()
    samples, rate = speaker.synthesise(TEXT, seed=5)
    assert torch.equal(state, torch.random.get_rng_state())
    assert rate == 16000 and samples.dtype == np.float32 and samples.ndim == 1 and np.isfinite(samples).all()
    assert np.array_equal(samples, speaker.synthesise(TEXT, seed=5)[0])
    assert not np.array_equal(samples[:12000], speaker.synthesise(TEXT, seed=6)[0][:12000])


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.2, 2.0])
def test_speed_divides_the_duration(folder, speed):
    speaker = VitsSpeaker(folder)
    ratio = len(speaker.synthesise(TEXT)[0]) / len(speaker.synthesise(TEXT, speed=speed)[0])
    assert ratio == pytest.approx(speed, rel=0.03)


def test_speakers_differ_and_are_counted(folder):
    first, second = (VitsSpeaker(folder, speaker=speaker).synthesise("Hello.")[0][:12000] for speaker in (0, 2))
    assert not np.array_equal(first, second)
    with pytest.raises(InputError, match="no speaker 3; it has 3"):
        VitsSpeaker(folder, speaker=3)


def test_letters_beyond_the_alphabet(folder, caplog):
    speaker = VitsSpeaker(folder, language="de")
    assert np.array_equal(speaker.say("café", "neutral", 1.0, 0), speaker.say("cafe", "neutral", 1.0, 0))
    assert len(speaker.say("你好", "neutral", 1.0, 0)) == 0
    with caplog.at_level(logging.WARNING):
        speaker.say("Zimmer 7", "neutral", 1.0, 0)
    assert "not in the alphabet of the VITS model: 7" in caplog.text
    with pytest.raises(InputError, match="nothing that can be pronounced"):
        speaker.synthesise("你好")


def test_models_of_phonemes_need_no_further_package(tmp_path):
    speaker = VitsSpeaker(save_vits(tmp_path, phonemes=True))
    assert len(speaker.synthesise("Hello world.")[0]) > 1000


def test_sources_by_language():
    assert sources("en-gb")[0] == "kakao-enterprise/vits-vctk"
    assert sources("de") == sources("deu") == ("facebook/mms-tts-deu",)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no VITS model") as fault:
        VitsSpeaker(tmp_path)
    assert "\n" not in str(fault.value)

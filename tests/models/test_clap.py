"""The real CLAP classes, small and random, saved and loaded in the real format."""

import numpy as np
import pytest
import torch

from idfacevc.config import SafpqSpec, SpeechSpec
from idfacevc.errors import InputError
from idfacevc.models.clap import ClapTokens
from idfacevc.models.speech_identity import speech_identity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from transformers import ClapAudioConfig, ClapAudioModel, ClapFeatureExtractor

    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    config = ClapAudioConfig(
        patch_embeds_hidden_size=16, hidden_size=128, depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 2],
        projection_dim=16,
    )  # fmt: skip
    ClapAudioModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder


def spec(folder, **changes):
    return SpeechSpec(**{"name": str(folder), "revision": None, "token_dim": 128, **changes})


def noise(seconds):
    return np.random.default_rng(0).normal(size=int(16000 * seconds)).astype(np.float32) * 0.1


def test_tokens_of_time_and_the_pooled_vector(folder):
    tokens = ClapTokens(spec(folder))(noise(3), 16000)
    assert tokens.shape == (32, 128) and torch.isfinite(tokens).all()
    assert ClapTokens(spec(folder, tap="pooled"))(noise(3), 16000).shape == (1, 128)
    head = SafpqSpec(dim=32, heads=2, ffn_dim=48)
    assert speech_identity(spec(folder), head)(tokens[None]).shape == (1, 32)


def test_long_recordings_give_their_centre_and_nothing_is_random(folder):
    clap, wav = ClapTokens(spec(folder)), noise(14)
    first = clap.features(wav, 16000)
    assert torch.equal(first, clap.features(wav, 16000))
    centre = clap.features(wav[2 * 16000 : 12 * 16000], 16000)
    # only the resampler's edges differ
    torch.testing.assert_close(first[:, :, 5:-5], centre[:, :, 5:-5], atol=0.05, rtol=0.05)


def test_it_is_frozen(folder):
    assert not any(parameter.requires_grad for parameter in ClapTokens(spec(folder)).model.parameters())


def test_faults_are_one_clear_line(folder, tmp_path):
    with pytest.raises(InputError, match="idfacevc download"):
        ClapTokens(spec(tmp_path / "absent"))
    with pytest.raises(InputError, match="128 wide, not 1024"):
        ClapTokens(spec(folder, token_dim=1024))

"""Whisper's encoder against the class of transformers, and its windows over long recordings."""

import numpy as np
import pytest
import torch

from idfacevc.backbones.whisper import WhisperEncoder, whisper_mel
from idfacevc.config.content import WhisperSpec
from tests.closeness import assert_near

SPEC = WhisperSpec(n_mels=80, dim=24, layers=2, heads=2, positions=1500)


def encoder() -> WhisperEncoder:
    torch.manual_seed(0)
    return WhisperEncoder(SPEC).eval()


def test_weights_and_outputs_are_those_of_transformers():
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder as Theirs

    config = WhisperConfig(
        d_model=24, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=96, num_mel_bins=80,
        max_source_positions=1500,
    )  # fmt: skip
    theirs, ours = Theirs(config).eval(), encoder()
    ours.load_state_dict(theirs.state_dict())
    mel = torch.randn(1, 80, 3000)
    with torch.inference_mode():
        assert_near(ours(mel), theirs(mel).last_hidden_state)


def test_the_mel_is_that_of_transformers():
    from transformers import WhisperFeatureExtractor

    wave = np.random.default_rng(0).standard_normal(480000).astype(np.float32) * 0.1
    theirs = WhisperFeatureExtractor(feature_size=80)(wave, sampling_rate=16000).input_features[0]
    ours = whisper_mel(torch.from_numpy(wave))[:, :3000]
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-3)


@pytest.mark.parametrize("samples", [1, 400, 1600, 16001, 16000 * 11, 16000 * 23 + 77])
def test_a_feature_stands_for_two_frames(samples):
    wave = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    assert encoder().features(wave).shape == ((1 + samples // 160 + 1) // 2, 24)


def test_windows_far_from_the_end_do_not_depend_on_what_follows():
    wave = np.random.default_rng(0).standard_normal(16000 * 25).astype(np.float32)
    whole, cut = encoder().features(wave), encoder().features(wave[: 16000 * 12])
    assert_near(whole[:500], cut[:500])

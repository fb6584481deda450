"""The real CLAP classes, small and random, saved and loaded in the real format."""

import shutil

import numpy as np
import pytest
import torch

from idfacevc.backbones.clap import ClapBackbone
from idfacevc.config.speech import ClapSafpqSpec
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.speech_head import speech_identity
from tests.closeness import assert_near
from tests.pretrained_models import write_clap


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_clap(tmp_path_factory.mktemp("clap"))


def spec(folder, **changes):
    return ClapSafpqSpec(**{"name": str(folder), "revision": None, "token_dim": 128, **changes})


def noise(seconds):
    return np.random.default_rng(0).normal(size=int(16000 * seconds)).astype(np.float32) * 0.1


def test_tokens_of_time_and_the_pooled_vector(folder):
    backbone = ClapBackbone(spec(folder))
    inputs = [backbone.preprocess(noise(3), 16000), backbone.preprocess(noise(5), 16000)]
    tokens = backbone.tokens(inputs)
    assert tokens.shape == (2, 32, 128) and torch.isfinite(tokens).all()
    assert_near(tokens[1:], backbone.tokens(inputs[1:]))
    assert ClapBackbone(spec(folder, tap="pooled")).tokens(inputs).shape == (2, 1, 128)
    assert speech_identity(spec(folder), 32)(tokens).shape == (2, 32)


def test_long_recordings_give_their_centre_and_nothing_is_random(folder):
    reads, wav = ClapBackbone(spec(folder)).preprocess, noise(14)
    first = reads(wav, 16000)
    assert torch.equal(first, reads(wav, 16000))
    centre = reads(wav[2 * 16000 : 12 * 16000], 16000)
    # only the resampler's edges differ
    torch.testing.assert_close(first[:, :, 5:-5], centre[:, :, 5:-5], atol=0.05, rtol=0.05)


def test_the_audio_side_of_a_whole_clap_model(folder, tmp_path):
    """The hub's files hold the text side too."""
    from transformers import ClapAudioConfig, ClapConfig, ClapModel

    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
            "vocab_size": 99}  # fmt: skip
    audio = ClapAudioConfig.from_pretrained(folder).to_dict()
    whole = ClapModel(ClapConfig(audio_config=audio, text_config=text, projection_dim=16))
    whole.save_pretrained(tmp_path)
    shutil.copy(folder / "preprocessor_config.json", tmp_path)
    ours = ClapBackbone(spec(tmp_path)).model.state_dict()
    theirs = whole.audio_model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_it_is_frozen(folder):
    assert not any(parameter.requires_grad for parameter in ClapBackbone(spec(folder)).model.parameters())


def test_faults_are_one_clear_line(folder, tmp_path):
    with pytest.raises(InputError, match="idfacevc download"):
        ClapBackbone(spec(tmp_path / "absent"))
    shutil.copytree(folder, tmp_path / "part")
    (tmp_path / "part" / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match="idfacevc download"):
        ClapBackbone(spec(tmp_path / "part"))
    with pytest.raises(InputError, match="128 wide, not 1024"):
        ClapBackbone(spec(folder, token_dim=1024))

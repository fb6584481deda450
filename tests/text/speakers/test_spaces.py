"""Speaker spaces on real classes: Kokoro's own voices, and tiny models of VITS and SpeechT5."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import SpeechT5Config, SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5HifiGanConfig

from idfacevc.errors import InputError
from idfacevc.text.speakers.spaces.kokoro import KokoroSpace
from idfacevc.text.speakers.spaces.speecht5 import SpeechT5Space, SpeechT5Speaker
from idfacevc.text.speakers.spaces.vits import VitsSpace
from idfacevc.text.speakers.vits import VitsSpeaker
from tests.text.speakers.vits_models import save_vits

TEXT = "A quick test."


def test_kokoro_has_a_bank_of_women_and_men_and_refuses_what_is_no_style():
    space = KokoroSpace()
    bank = space.bank()
    assert bank.vectors.shape == (len(bank.names), space.dim) and set(bank.genders) == {"f", "m"}
    assert "af_heart" in bank.names and "am_santa" not in bank.names
    assert np.array_equal(space.project(bank.vectors), bank.vectors)
    for wrong in (np.zeros(8), np.full(256, np.inf)):
        with pytest.raises(InputError, match="256 finite numbers"):
            space.project(wrong)


def test_a_row_added_to_a_vits_table_sounds_like_the_row_it_equals(tmp_path):
    folder = save_vits(tmp_path, speakers=3)
    space = VitsSpace(folder)
    bank = space.bank()
    assert bank.vectors.shape == (3, space.dim)
    for row in (0, 2):
        ours, rate = space.speak(bank.vectors[row], TEXT, seed=4)
        theirs = VitsSpeaker(folder, speaker=row).synthesise(TEXT, seed=4)
        assert rate == theirs[1] and np.array_equal(ours, theirs[0])
    assert not np.array_equal(*(space.speak(bank.vectors[row], TEXT, seed=4)[0] for row in (0, 1)))


def test_a_vits_with_one_voice_has_no_space(tmp_path):
    with pytest.raises(InputError, match="one voice only"):
        VitsSpace(save_vits(tmp_path))


class Letters:
    """Stands for the tokenizer, whose file needs a trained sentencepiece model."""

    def __call__(self, text, return_tensors):
        return {"input_ids": torch.tensor([[ord(letter) % 28 + 1 for letter in text]])}


@pytest.fixture(scope="module")
def speecht5():
    torch.manual_seed(0)
    sizes = dict(hidden_size=24, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32)
    heads = dict(encoder_attention_heads=2, decoder_attention_heads=2, speaker_embedding_dim=16)
    nets = dict(speech_decoder_prenet_units=16, speech_decoder_postnet_units=16, num_mel_bins=20)
    model = SpeechT5ForTextToSpeech(SpeechT5Config(vocab_size=32, **sizes, **heads, **nets)).eval()
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(model_in_dim=20, upsample_initial_channel=16, upsample_rates=[4, 4],
                              upsample_kernel_sizes=[8, 8], resblock_kernel_sizes=[3],
                              resblock_dilation_sizes=[[1, 3, 5]])
    ).eval()  # fmt: skip
    with torch.no_grad():  # loud, and never of the opinion that all is said
        for name, weight in [*model.named_parameters(), *vocoder.named_parameters()]:
            if "norm" not in name and weight.ndim > 1:
                weight.normal_(0, 0.2)
        model.speech_decoder_postnet.prob_out.bias.fill_(-30)
    return model, vocoder


def test_only_the_direction_of_an_x_vector_counts(speecht5):
    model, vocoder = speecht5
    vector = np.random.default_rng(0).normal(size=16).astype(np.float32)

    def said(factor: float, seed: int) -> np.ndarray:
        return SpeechT5Speaker(factor * vector, model, Letters(), vocoder).say(TEXT, "neutral", 1.0, seed)

    one = said(1, 1)
    assert np.abs(one - said(3, 1)).max() < 1e-4 * np.abs(one).max()
    other = said(1, 2)
    assert len(other) != len(one) or np.abs(one - other).max() > 1e-3 * np.abs(one).max(), "its prenet draws by chance"


def test_a_vector_without_direction_never_speaks(speecht5, tmp_path):
    model, vocoder = speecht5
    space = SpeechT5Space.__new__(SpeechT5Space)
    space._model, space._vocoder, space._tokenizer, space.dim = model, vocoder, Letters(), 16
    with pytest.raises(InputError, match="zeros have none"):
        space.speaker(np.zeros(16))
    (tmp_path / "config.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match="cannot be loaded"):
        SpeechT5Space(tmp_path, tmp_path)

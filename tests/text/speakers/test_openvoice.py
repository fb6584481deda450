"""OpenVoice's base speaker: its checkpoint speaks as the transformers model that it was made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from idfacevc.errors import InputError
from idfacevc.text.speakers.openvoice.speaker import OpenVoiceSpeaker, dictionary_ipa
from idfacevc.text.speakers.registry import base_speaker
from idfacevc.text.speakers.vits import speak_tokens
from tests.text.speakers.vits_models import save_openvoice


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_openvoice(tmp_path_factory.mktemp("openvoice"))


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_equals_transformers_vits_with_the_same_weights(saved, ratio):
    folder, stochastic, plain = saved
    oracle = stochastic if ratio else plain
    ours = OpenVoiceSpeaker(folder)._model
    ours.duration_predictor.share = ratio
    for model in (oracle, ours):
        model.noise_scale = model.noise_scale_duration = 0.0
    tokens = torch.randint(0, 40, (31,), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = oracle(tokens[None], speaker_id=2).waveform[0]
    made = torch.from_numpy(speak_tokens(ours, tokens[None], 2, 1.0, seed=0))
    assert made.std() > 0.01
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-4)


def test_styles_are_the_speakers_of_the_checkpoint(saved):
    speaker = base_speaker("openvoice", folder=saved[0])
    assert speaker.styles == ("angry", "neutral", "whispering")
    said = {style: speaker.synthesise("Hello world.", style)[0] for style in speaker.styles}
    assert said["angry"].dtype == np.float32 and np.isfinite(said["angry"]).all()
    assert not np.array_equal(said["angry"][:6500], said["neutral"][:6500])
    with pytest.raises(InputError, match="no style 'jolly'"):
        speaker.synthesise("Hello.", "jolly")


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.2, 2.0])
def test_speed_law_and_seeds(saved, speed):
    speaker = OpenVoiceSpeaker(saved[0])
    text = "This is a sentence of some length, and it goes on. Then another one follows."
    plain, rate = speaker.synthesise(text)
    fast, _ = speaker.synthesise(text, speed=speed)
    assert rate == 22050
    assert len(plain) / len(fast) == pytest.approx(speed, rel=0.03)
    assert np.array_equal(plain, speaker.synthesise(text, seed=0)[0])
    assert not np.array_equal(plain[:12000], speaker.synthesise(text, seed=1)[0][:12000])


def test_phonemes_are_spelled_as_in_a_pronouncing_dictionary():
    assert dictionary_ipa("ðə kwˈɪk bɹˈaʊn fˈɑːks dʒˈʌmpt") == "ðə kwɪk bɹaʊn fɑks dʒəmpt"
    assert dictionary_ipa("ɐstˈɑːnɪʃ bjˈuːɾifəl") == "əˈstɑnɪʃ ˈbjutifəɫ"


def test_faults_are_one_line(saved, tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        OpenVoiceSpeaker(tmp_path)
    (tmp_path / "config.json").write_text((saved[0] / "config.json").read_text())
    with pytest.raises(InputError, match=r"checkpoint\.pth"):
        OpenVoiceSpeaker(tmp_path)
    torch.save({"model": {"emb_g.weight": torch.zeros(3, 8)}}, tmp_path / "checkpoint.pth")
    with pytest.raises(InputError, match="Missing key") as fault:
        OpenVoiceSpeaker(tmp_path)
    assert "\n" not in str(fault.value)


class _Harmful:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_a_pickle_in_the_checkpoint_is_not_run(saved, tmp_path, capsys):
    (tmp_path / "config.json").write_text((saved[0] / "config.json").read_text())
    torch.save({"model": _Harmful()}, tmp_path / "checkpoint.pth")
    with pytest.raises(InputError, match="cannot be loaded"):
        OpenVoiceSpeaker(tmp_path)
    assert "unpickled" not in capsys.readouterr().out

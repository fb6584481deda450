"""OpenVoice's base speaker: the same weights under transformers' VITS are the oracle of our inference code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers.models.vits.modeling_vits import _unconstrained_rational_quadratic_spline

from idfacevc.errors import InputError
from idfacevc.text.speakers.openvoice.durations import inverse_spline
from idfacevc.text.speakers.openvoice.speaker import OpenVoiceSpeaker, dictionary_ipa
from idfacevc.text.speakers.registry import base_speaker
from tests.text.speakers.vits_models import save_openvoice


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_openvoice(tmp_path_factory.mktemp("openvoice"))


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_equals_transformers_vits_with_the_same_weights(saved, ratio):
    folder, stochastic, plain = saved
    oracle = stochastic if ratio else plain
    oracle.noise_scale = oracle.noise_scale_duration = 0.0
    tokens = torch.randint(0, 40, (31,), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = oracle(tokens[None], speaker_id=2).waveform[0]
        ours = OpenVoiceSpeaker(folder)._model(tokens, 2, 1.0, 0, 0.0, 0.0, ratio)
    assert ours.std() > 0.01
    torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-4)


def test_spline_inverse_equals_transformers_and_undoes_its_forward():
    chance = torch.Generator().manual_seed(0)
    widths, heights, slopes = (torch.randn(200, n, generator=chance) * 2 for n in (10, 10, 9))
    y = torch.linspace(-7, 7, 200)
    x = inverse_spline(y, widths, heights, slopes)
    spline = _unconstrained_rational_quadratic_spline
    torch.testing.assert_close(x, spline(y, widths, heights, slopes, reverse=True)[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(spline(x, widths, heights, slopes)[0], y, atol=1e-3, rtol=1e-3)


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

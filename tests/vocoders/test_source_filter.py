"""Source-filter vocoder: the pulse train, exact resynthesis, streams that equal one pass, faults."""

import math

import numpy as np
import pytest
import torch

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.reader import from_dict
from idfacevc.config.vocoder import MelStatistics, SourceFilterSpec, SourceFilterVocoderSpec
from idfacevc.errors import InputError
from idfacevc.vocoders.registry import build_vocoder
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator, pulse_train

SPEC = FrontEndSpec(floor=1e-5)
SIZES = SourceFilterSpec(channels=16, hidden=24, blocks=2, window=640)


def generator() -> SourceFilterGenerator:
    torch.manual_seed(0)
    return SourceFilterGenerator(SIZES, SPEC.n_mels, SPEC.hop_length, SPEC.sample_rate).eval()


def vocoder():
    statistics = MelStatistics((0.0,) * SPEC.n_mels, (1.0,) * SPEC.n_mels)
    spec = SourceFilterVocoderSpec(front_end=SPEC, source_filter=SIZES, statistics=statistics)
    return build_vocoder(spec, "cpu", generator())


def frames(count: int) -> torch.Tensor:
    """A mel with its pitch below, which is voiced but for each fourth stretch of 20 frames."""
    rng = np.random.default_rng(1)
    pitch = 120 + 40 * np.sin(np.arange(count) / 25)
    pitch[np.arange(count) // 20 % 4 == 3] = 0
    return torch.from_numpy(np.vstack([rng.standard_normal((SPEC.n_mels, count)), pitch]).astype(np.float32))


def test_pulses_are_the_sum_of_the_harmonics_below_half_the_rate():
    pitch, rate, hop = 150.0, 16000, 160
    pulses, _ = pulse_train(torch.full((5,), pitch), hop, rate)
    phase = 2 * math.pi * pitch / rate * np.arange(1, 5 * hop + 1)
    count = int(rate / 2 / pitch)
    harmonics = sum(np.cos(k * phase) for k in range(1, count + 1)) / math.sqrt(count / 2)
    np.testing.assert_allclose(pulses.numpy(), harmonics, atol=1e-3 * np.abs(harmonics).max())
    assert np.mean(np.square(pulses.numpy())) == pytest.approx(1, rel=0.1)


def test_pulses_go_on_where_a_piece_ends_and_are_silent_where_unvoiced():
    pitch = torch.tensor([110.0, 120.0, 0.0, 0.0, 200.0, 210.0])
    whole, _ = pulse_train(pitch, 160, 16000)
    first, phase = pulse_train(pitch[:3], 160, 16000)
    second, _ = pulse_train(pitch[3:], 160, 16000, phase)
    torch.testing.assert_close(torch.cat([first, second]), whole, atol=1e-3, rtol=0)
    assert whole[320:640].abs().max() == 0


def test_unfiltered_spectra_give_the_source_back():
    net, source = generator(), torch.randn(2, 50 * 160)
    torch.testing.assert_close(net._add_up(net._spectrum(source)), source, atol=1e-5, rtol=1e-4)


def test_a_stream_equals_one_pass():
    mel = frames(730)
    whole = vocoder()(mel, seed=3)
    assert whole.shape == (730 * SPEC.hop_length,)
    pieces = np.concatenate(list(vocoder().stream(mel.split([7, 1, 300, 222, 200], dim=1), seed=3)))
    with torch.inference_mode():
        noise = torch.from_numpy(np.random.default_rng(3).standard_normal(len(whole), dtype=np.float32))
        pulses, _ = pulse_train(mel[-1], SPEC.hop_length, SPEC.sample_rate)
        once = generator()(mel[None, :-1], mel[None, -1], pulses[None], noise[None])[0].numpy()
    level = np.abs(once).max()
    np.testing.assert_allclose(whole, once, atol=1e-4 * level)
    np.testing.assert_allclose(pieces, once, atol=1e-4 * level)


def test_a_mel_without_its_pitch_is_refused():
    with pytest.raises(InputError, match=r"mels and their pitch of shape \(81, T\)"):
        vocoder()(frames(10)[:-1])


@pytest.mark.parametrize("absent", ["source_filter", "statistics"])
def test_a_spec_needs_sizes_and_statistics(absent):
    values = {"source_filter": {}, "statistics": {"mean": [0.0] * SPEC.n_mels, "scale": [1.0] * SPEC.n_mels}}
    del values[absent]
    with pytest.raises(InputError, match=f"missing key {absent}"):
        from_dict(SourceFilterVocoderSpec, values)

import numpy as np

from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0, normalise_lf0
from tests.front_ends import PROFILES

SPEC = PROFILES["vqmivc16k"]


def harmonic(hz: np.ndarray) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(hz) / 16000
    return sum(np.sin(k * phase) / k for k in range(1, 12)) * 0.1


def test_pitch_of_a_harmonic_tone():
    lf0 = log_f0(harmonic(np.full(16000, 150.0)), SPEC)
    voiced = lf0[lf0 > 0]
    assert len(voiced) > 0.9 * len(lf0)
    assert abs(np.exp(np.median(voiced)) - 150) < 1


def test_one_value_a_mel_frame():
    import torch

    for samples in (16000, 15999, 8123):
        wav = np.random.default_rng(0).normal(size=samples) * 0.1
        assert len(log_f0(wav, SPEC)) == LogMel(SPEC)(torch.from_numpy(wav).float()[None]).shape[-1]


def test_noise_without_voice_gives_zeros_and_no_nan():
    assert np.all(normalise_lf0(np.zeros(50, dtype=np.float32)) == 0)
    assert np.all(normalise_lf0(log_f0(np.zeros(16000), SPEC)) == 0)


def test_normalised_pitch_has_mean_zero_and_deviation_one_on_voiced_frames():
    lf0 = np.log(np.random.default_rng(0).uniform(80, 300, 400)).astype(np.float32)
    lf0[::3] = 0
    out = normalise_lf0(lf0)
    assert np.all(out[::3] == 0)
    voiced = out[lf0 != 0]
    assert abs(voiced.mean()) < 1e-5 and abs(voiced.std() - 1) < 1e-5


def test_constant_pitch_only_loses_its_mean():
    out = normalise_lf0(np.full(10, 5.0, dtype=np.float32))
    assert np.all(out == 0) and np.all(np.isfinite(out))


def test_blocks_of_a_long_recording_join():
    sweep = 150 + 40 * np.sin(2 * np.pi * np.arange(16000 * 70) / 16000 / 7)
    lf0 = log_f0(harmonic(sweep), SPEC)
    expected = np.log(sweep[np.minimum(np.arange(len(lf0)) * 160, len(sweep) - 1)])
    inner = slice(20, -20)
    assert (lf0[inner] > 0).mean() > 0.99
    voiced = lf0[inner] > 0
    assert np.abs(lf0[inner] - expected[inner])[voiced].max() < 0.03

import librosa
import numpy as np
import pytest
import torch

from idfacevc.audio.mel import LogMel, cepstral_lifter, mel_filterbank, random_equaliser, warp_mel_axis
from tests.front_ends import PROFILES


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_filterbank_is_librosas(name):
    spec = PROFILES[name]
    expected = librosa.filters.mel(
        sr=spec.sample_rate, n_fft=spec.n_fft, n_mels=spec.n_mels, fmin=spec.fmin, fmax=spec.fmax
    )
    np.testing.assert_allclose(mel_filterbank(spec), expected, atol=1e-7)


@pytest.mark.parametrize("name", ["vqmivc16k", "pwg24k", "sp22k"])
def test_log_mel_is_librosas(name):
    spec = PROFILES[name]
    wav = np.random.default_rng(0).normal(size=spec.sample_rate).astype(np.float32) * 0.1
    magnitude = np.abs(librosa.stft(wav, n_fft=spec.n_fft, hop_length=spec.hop_length, win_length=spec.win_length,
                                    pad_mode="reflect"))  # fmt: skip
    mel = np.maximum(mel_filterbank(spec) @ magnitude, spec.floor)
    expected = np.log10(mel) if spec.log == "log10" else np.log(mel)
    np.testing.assert_allclose(LogMel(spec)(torch.from_numpy(wav)[None])[0].numpy(), expected, atol=2e-4)


@pytest.mark.parametrize("samples", [16000, 15999, 16001, 4800])
def test_frame_count(samples):
    spec = PROFILES["vqmivc16k"]
    mel = LogMel(spec)(torch.randn(1, samples))
    assert mel.shape == (1, 80, 1 + samples // 160) == (1, 80, spec.frames(samples))


def test_tone_peaks_in_its_band_and_silence_meets_the_floor():
    spec = PROFILES["vqmivc16k"]
    time = torch.arange(16000) / 16000
    mel = LogMel(spec)(torch.sin(2 * torch.pi * 1000 * time)[None])[0]
    centres = librosa.mel_frequencies(n_mels=82, fmin=80, fmax=7600)[1:-1]
    assert mel[:, 50].argmax() == np.abs(centres - 1000).argmin()
    assert torch.all(LogMel(spec)(torch.zeros(1, 16000)) == -10)


def test_lifter_keeps_all_at_full_cutoff_and_is_a_projection():
    mel = torch.randn(2, 80, 30, dtype=torch.float64)
    for basis in ("dct2", "dct3"):
        torch.testing.assert_close(cepstral_lifter(mel, 80, basis), mel)
        once = cepstral_lifter(mel, 10, basis)
        torch.testing.assert_close(cepstral_lifter(once, 10, basis), once)


def test_lifter_is_scipys_transform_in_either_order():
    from scipy.fft import dct, idct

    mel = np.random.default_rng(1).normal(size=(80, 12))
    for basis, forward, back in (("dct2", dct, idct), ("dct3", idct, dct)):
        cepstrum = forward(mel, axis=0, norm="ortho")
        cepstrum[10:] = 0
        expected = back(cepstrum, axis=0, norm="ortho")
        np.testing.assert_allclose(cepstral_lifter(torch.from_numpy(mel)[None], 10, basis)[0].numpy(), expected)


def test_only_dct2_keeps_a_constant_offset():
    constant = torch.full((1, 80, 3), -5.0)
    assert (cepstral_lifter(constant, 10, "dct2") - constant).abs().max() < 1e-4
    assert (cepstral_lifter(constant, 10, "dct3") - constant).abs().max() > 3


def test_warp_by_one_changes_nothing_and_by_two_moves_a_peak_twice_as_high():
    mel = torch.zeros(2, 80, 4)
    mel[:, 20] = 1
    warped = warp_mel_axis(mel, torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(warped[0], mel[0])
    assert warped[1, :, 0].argmax() == 40


def test_equaliser_is_constant_in_time_and_has_the_asked_deviation():
    gain = random_equaliser(torch.zeros(4000, 80, 2), 0.6, torch.Generator().manual_seed(0))
    assert gain.shape == (4000, 80, 1)
    assert abs(gain[:, 0].std().item() - 0.6) < 0.03

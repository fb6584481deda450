"""Sizes, compression and loss of Speech2Face against figures that were worked out from its description."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from idfacevc.losses.speech2face import features_loss, speech2face_loss, speech2face_terms
from idfacevc.models.speech2face.encoder import VoiceEncoder, VoiceSpec
from idfacevc.models.speech2face.front_end import RATE, compress, log_mel, spectrogram

TIME_BY_BINS = [(595, 254), (592, 251), (294, 248), (145, 245), (71, 242), (34, 239), (31, 236), (14, 117), (1, 57)]


def test_six_seconds_give_598_frames_and_two_seconds_are_repeated_thrice():
    torch.manual_seed(0)
    wav = torch.randn(2, 2 * RATE)
    spectrum = spectrogram(wav)
    assert spectrum.shape == (2, 2, 257, 598)
    assert torch.equal(spectrum, spectrogram(wav.repeat(1, 3)))
    assert torch.equal(spectrum, spectrogram(torch.cat([wav.repeat(1, 3), wav], dim=1)))
    padded = torch.zeros(512)
    padded[:400] = wav[0, 160:560] * torch.hann_window(400)
    wanted = compress(torch.view_as_real(torch.fft.rfft(padded)).T)
    assert torch.allclose(spectrum[0, :, :, 1], wanted, atol=1e-4)


def test_compression_is_odd_and_has_an_inverse():
    values = torch.linspace(-3, 3, 25)
    squeezed = compress(values)
    assert torch.equal(compress(-values), -squeezed)
    assert torch.allclose(squeezed.sign() * squeezed.abs() ** (1 / 0.3), values, atol=1e-5)


def test_encoder_has_the_published_sizes():
    with torch.device("meta"):
        encoder, x = VoiceEncoder(), torch.zeros(1, 2, 598, 257)
    for layer, size in zip(encoder.layers, TIME_BY_BINS, strict=True):
        x = layer(x)
        assert tuple(x.shape[2:]) == size
    convolutions, linear = (sum(p.numel() for p in part.parameters()) for part in (encoder.layers, encoder.head))
    assert (convolutions, linear) == (11_739_904, 136_323_072) and convolutions + linear == 148_062_976


def test_silence_has_finite_features():
    encoder = VoiceEncoder(VoiceSpec(8, 16, 32, final_relu=True)).eval()
    out = encoder(spectrogram(torch.zeros(1, RATE)))
    assert out.shape == (1, 8) and out.isfinite().all() and (out >= 0).all()


def test_the_small_encoder_hears_neither_loudness_nor_length():
    torch.manual_seed(0)
    encoder = VoiceEncoder(VoiceSpec(8, 16, 32, front_end="logmel", pooled=True)).eval()
    wav = 0.1 * torch.randn(1, 2 * RATE)
    out = encoder(log_mel(wav))
    assert out.shape == (1, 8)
    assert torch.allclose(out, encoder(log_mel(0.2 * wav)), atol=1e-3)
    assert torch.allclose(out, encoder(log_mel(wav.repeat(1, 9))), atol=1e-5)


@pytest.fixture
def layers():
    torch.manual_seed(1)
    return nn.Linear(12, 5).requires_grad_(False), nn.Linear(12, 7).requires_grad_(False)


def test_equal_features_leave_the_entropy_alone(layers):
    face = torch.randn(4, 12)
    terms = speech2face_terms(face.clone(), face, *layers)
    assert terms["decoder"].abs().max() == 0 and terms["direction"].abs().max() == 0
    classes = (layers[1](face) / 2).softmax(dim=1)
    assert torch.allclose(terms["distillation"], -(classes * classes.log()).sum(dim=1), atol=1e-5)
    assert float(speech2face_loss(face, face, *layers)) == pytest.approx(
        200 * float(terms["distillation"].mean()), rel=1e-5
    )


def test_samples_do_not_touch_each_other(layers):
    face, voice = torch.randn(4, 12), torch.randn(4, 12)
    scaled = torch.cat([10 * voice[:1], voice[1:]])
    before, after = (speech2face_terms(one, face, *layers) for one in (voice, scaled))
    for name in before:
        assert torch.allclose(before[name][1:], after[name][1:], atol=1e-5)
    assert before["direction"][0] == pytest.approx(float(after["direction"][0]), abs=1e-5)
    assert before["decoder"][0] != after["decoder"][0]


def test_the_loss_of_other_features_prefers_the_own_face():
    torch.manual_seed(2)
    face = torch.randn(6, 12)
    assert float(features_loss(3 * face, face)) < float(features_loss(face.roll(1, dims=0), face))
    assert float(features_loss(3 * face, face)) == pytest.approx(float(features_loss(face, face)), abs=1e-5)

import math

import torch

from idfacevc.config.pitch import NormalisedPitchSpec, RegisterPitchSpec
from idfacevc.losses.register import register_loss
from idfacevc.models.idfacevc.pitch import pitch_features


def test_two_channel_pitch_tells_voicing():
    pitch = pitch_features(NormalisedPitchSpec(channels=2), voice_dim=4)
    features = pitch(torch.tensor([[0.0, -1.5, 0.0, 2.0]]), None)
    torch.testing.assert_close(features[0, :, 1], torch.tensor([0.0, 1.0, 0.0, 1.0]))


def test_the_strongest_bin_is_the_frequency_of_the_contour_in_its_register():
    spec = RegisterPitchSpec()
    pitch = pitch_features(spec, voice_dim=4)
    mean, deviation = math.log(140.0), 0.2
    lf0 = torch.tensor([[-2.0, -0.5, 0.0, 1.0, 3.0]])
    features = pitch(lf0, torch.tensor([[mean, deviation]]))
    assert features.shape == (1, 5, spec.width)
    assert (features[0, 2] == 0).all()  # unvoiced
    centres = torch.logspace(math.log10(spec.low), math.log10(spec.high), spec.bins)
    half_a_bin = (spec.high / spec.low) ** (0.5 / (spec.bins - 1))
    for frame in (0, 1, 3, 4):
        heard = centres[features[0, frame, :-1].argmax()]
        assert 1 / half_a_bin <= heard / math.exp(mean + deviation * lf0[0, frame]) <= half_a_bin
    assert features[0, :, -1].tolist() == [1, 1, 0, 1, 1]


def test_the_register_of_a_voice_can_be_learnt_and_silent_utterances_do_not_count():
    torch.manual_seed(0)
    pitch = pitch_features(RegisterPitchSpec(), voice_dim=8)
    voices = torch.randn(6, 8)
    registers = torch.tensor([[5.3, 0.15], [4.7, 0.3], [5.5, 0.2], [4.6, 0.1], [5.0, 0.25], [0.0, 0.0]])
    optimizer = torch.optim.Adam(pitch.parameters(), lr=1e-2)
    for _ in range(600):
        optimizer.zero_grad()
        register_loss(pitch.register_of(voices), registers).backward()
        optimizer.step()
    torch.testing.assert_close(pitch.register_of(voices)[:5].detach(), registers[:5], atol=0.03, rtol=0.05)
    assert register_loss(pitch.register_of(voices[5:]), registers[5:]).item() == 0

"""Parts that the baselines bring: AutoVC's bottleneck, face heads, mappings, SP-FaceVC's discriminator."""

import pytest
import torch

from idfacevc.config.content import BottleneckSpec
from idfacevc.config.face_head import AttentionReparaSpec, ChannelAttentionSpec, MlpSpec, ReparaSpec
from idfacevc.config.memory import DirectSpec, LinearWarpSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.pitch import NoPitchSpec
from idfacevc.config.speech import DvectorSpec
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.bottleneck import BottleneckEncoder
from idfacevc.models.idfacevc.face_head import face_head
from idfacevc.models.idfacevc.mapping import mapping
from idfacevc.models.idfacevc.pitch import pitch_features
from idfacevc.nn.mel_discriminator import MultiscaleDiscriminator


@pytest.fixture
def bottleneck():
    torch.manual_seed(0)
    return BottleneckEncoder(BottleneckSpec(hidden=12, dim=6, every=8), 10).eval()


def test_a_code_is_the_forward_state_at_its_end_and_the_backward_state_at_its_start(bottleneck):
    mel = torch.randn(2, 10, 24)
    states, _ = bottleneck.lstm(bottleneck.convs(mel).transpose(1, 2))
    codes = bottleneck.encode(mel)
    assert codes.shape == (2, 3, 6)
    torch.testing.assert_close(codes[:, 1, :3], states[:, 15, :3])
    torch.testing.assert_close(codes[:, 1, 3:], states[:, 8, 3:])


def test_codes_stand_for_their_frames_at_half_rate(bottleneck):
    content = bottleneck(torch.randn(1, 10, 21))
    assert content.z_q.shape == (1, 10, 6)  # 21 frames; codes of 8 frames are 4 steps long
    assert torch.equal(content.z_q[0, 4:8], content.z_q[0, 4].expand(4, 6))
    assert not torch.equal(content.z_q[0, 3], content.z_q[0, 4])
    assert torch.equal(bottleneck.lookup(content.codes), content.z_q)


@pytest.mark.parametrize(
    "spec",
    [ChannelAttentionSpec(dim=8), ReparaSpec(dim=8, latent=5), AttentionReparaSpec(dim=8, latent=5), MlpSpec(dim=8)],
    ids=lambda spec: spec.kind,
)
def test_heads_are_certain_when_they_are_used(spec):
    head = face_head(spec, 16)
    token = torch.randn(3, 1, 16)
    assert torch.equal(head.eval()(token), head(token)) and head(token).shape == (3, 8)
    assert torch.equal(head.train()(token), head(token)) == (spec.kind in ("channel_attention", "mlp"))


def test_mappings_without_a_memory():
    face = torch.randn(3, 8)
    direct, linear = (mapping(spec) for spec in (DirectSpec(dim=8), LinearWarpSpec(dim=8)))
    assert direct.voice_of_face(face) == (face, None)
    torch.testing.assert_close(linear.voice_of_face(face)[0], face @ linear.layer.weight.T + linear.layer.bias)
    assert torch.equal(linear.voice(face), linear.voice_of_face(face)[0])


def test_no_pitch_is_no_channel():
    assert pitch_features(NoPitchSpec(), 8)(torch.randn(2, 9), None).shape == (2, 9, NoPitchSpec().width)


def test_the_multiscale_discriminator_scores_every_scale_of_any_length():
    judge = MultiscaleDiscriminator(4, scales=3, blocks=2)
    maps = judge(torch.randn(2, 4, 33))
    assert [one.shape[1] for one in maps[:-1]] == [8, 16] * 3 and maps[-1].shape == (2, 3)
    assert maps[2].shape[-1] == 17


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="dvector"):
        ModelSpec(speech=DvectorSpec(token_dim=192))
    with pytest.raises(InputError, match="even"):
        BottleneckSpec(dim=7)

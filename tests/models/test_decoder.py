import pytest
import torch

from idfacevc.config import DecoderSpec, ModelSpec
from idfacevc.models.decoder import Decoder
from idfacevc.models.idfacevc import IDFaceVCNet
from tests.sizes import tiny_spec


def decoder():
    torch.manual_seed(0)
    spec = DecoderSpec(pre_lstm=24, conv=24, convs=3, lstm=24, lstm_layers=2, postnet=16, postnet_layers=5)
    model = Decoder(spec, 10, 80).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


@pytest.mark.parametrize("sizes", [[100], [50, 50], [1] * 100, [3, 7, 60, 30], [97, 3]])
def test_pieces_give_the_mel_of_one_pass(sizes):
    model, features = decoder(), torch.randn(1, 100, 10)
    with torch.no_grad():
        expected = model(features)[1]
        joined = torch.cat(list(model.stream(features.split(sizes, dim=1))), dim=2)
    torch.testing.assert_close(joined, expected, atol=1e-5, rtol=1e-5)


def test_stream_of_the_network_equals_decode():
    torch.manual_seed(0)
    net = IDFaceVCNet(tiny_spec()).eval()
    net.mel_mean.normal_()
    net.mel_std.uniform_(0.5, 1)
    mel, lf0, voice = torch.randn(1, 80, 60), torch.randn(1, 60), torch.randn(1, 32)
    with torch.no_grad():
        content = net.content(mel)
        torch.testing.assert_close(net.lookup(content.codes), content.z_q, atol=1e-6, rtol=1e-5)
        expected = net.denormalise(net.decode(content.z_q, lf0, voice)[1])[0]
    pieces = net.stream_mel(content.codes[0], lf0[0], voice[0], torch.arange(60), piece=16)
    torch.testing.assert_close(torch.cat(list(pieces), dim=1), expected, atol=1e-5, rtol=1e-5)


def test_paper_size():
    net = IDFaceVCNet(ModelSpec())
    assert net.decoder.pre.input_size == 64 + 1 + 256
    assert abs(sum(p.numel() for p in net.decoder.parameters()) / 1e6 - 25) < 3
    mel, content, face = net(torch.randn(1, 80, 33), torch.zeros(1, 33), torch.randn(1, 50, 768))
    assert mel.shape == (1, 80, 32) and content.z_q.shape == (1, 16, 64) and face.voice.shape == (1, 256)


def test_normalise_and_back():
    net = IDFaceVCNet(tiny_spec())
    net.mel_mean.normal_()
    net.mel_std.uniform_(0.5, 1)
    mel = torch.randn(2, 80, 5)
    torch.testing.assert_close(net.denormalise(net.normalise(mel)), mel, atol=1e-5, rtol=1e-5)


def test_two_channel_pitch_tells_voicing():
    from idfacevc.config import PitchSpec

    net = IDFaceVCNet(tiny_spec(pitch=PitchSpec(channels=2)))
    features = net.pitch_features(torch.tensor([[0.0, -1.5, 0.0, 2.0]]))
    torch.testing.assert_close(features[0, :, 1], torch.tensor([0.0, 1.0, 0.0, 1.0]))

import pytest
import torch

from idfacevc.config.decoder import LstmDecoderSpec, ModulatedDecoderSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.pitch import RegisterPitchSpec
from idfacevc.models.idfacevc.decoder import decoder
from idfacevc.models.idfacevc.network import IDFaceVCNet
from tests.closeness import assert_near
from tests.sizes import tiny_spec

SPECS = {
    "lstm": LstmDecoderSpec(pre_lstm=24, conv=24, convs=3, lstm=24, lstm_layers=2, postnet=16, postnet_layers=5),
    "modulated": ModulatedDecoderSpec(blocks=4, conv=24, postnet=16, postnet_layers=3),
}


def built(kind):
    torch.manual_seed(0)
    model = decoder(SPECS[kind], in_dim=10, voice_dim=6, n_mels=80).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("sizes", [[100], [50, 50], [1] * 100, [3, 7, 60, 30], [97, 3]])
def test_pieces_give_the_mel_of_one_pass(kind, sizes):
    model, frames, voice = built(kind), torch.randn(1, 100, 10), torch.randn(1, 6)
    with torch.no_grad():
        expected = model(frames, voice)[1]
        joined = torch.cat(list(model.stream(frames.split(sizes, dim=1), voice)), dim=2)
    assert_near(joined, expected)


@pytest.mark.parametrize("kind", SPECS)
def test_the_voice_reaches_every_frame(kind):
    model, frames = built(kind), torch.randn(1, 60, 10)
    with torch.no_grad():
        one, other = (model(frames, voice)[1] for voice in torch.randn(2, 1, 6))
    assert ((one - other).abs().amax(dim=1) > 1e-3).all()


@pytest.mark.parametrize("changed", [{}, {"pitch": RegisterPitchSpec(), "decoder": SPECS["modulated"]}])
def test_stream_of_the_network_equals_decode(changed):
    torch.manual_seed(0)
    net = IDFaceVCNet(tiny_spec(**changed)).eval()
    net.mel_mean.normal_()
    net.mel_std.uniform_(0.5, 1)
    mel, lf0, voice = torch.randn(1, 80, 60), torch.randn(1, 60), torch.randn(1, 32)
    with torch.no_grad():
        content = net.content(mel)
        torch.testing.assert_close(net.lookup(content.codes), content.z_q, atol=1e-6, rtol=1e-5)
        expected = net.denormalise_mel(net.decode(content.z_q, lf0, voice)[1])[0]
    pieces = net.stream_mel(content.codes[0], lf0[0], voice[0], torch.arange(60), piece=16)
    assert_near(torch.cat(list(pieces), dim=1), expected)


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
    torch.testing.assert_close(net.denormalise_mel(net.normalise_mel(mel)), mel, atol=1e-5, rtol=1e-5)

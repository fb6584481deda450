"""Content from Whisper's encoder, and the decoder that goes with it."""

import numpy as np
import torch

from idfacevc.audio.level import SPEECH_RMS, at_speech_level
from idfacevc.config.content import WhisperContentSpec, WhisperSpec
from idfacevc.config.decoder import ConvNeXtDecoderSpec
from idfacevc.config.pitch import RegisterPitchSpec
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.pipeline.source import analyse
from tests.conftest import vowels
from tests.sizes import tiny_spec


def network() -> IDFaceVCNet:
    torch.manual_seed(0)
    content = WhisperContentSpec(dim=8, whisper=WhisperSpec(dim=24, layers=1, heads=2, positions=700))
    decoder = ConvNeXtDecoderSpec(blocks=4, early_blocks=2, conv=16, hidden=24, kernel=7)
    return IDFaceVCNet(tiny_spec(content=content, decoder=decoder, pitch=RegisterPitchSpec())).eval()


def test_content_has_unit_variance_and_noise_only_in_training():
    content = network().content
    features = torch.randn(2, 30, 24)
    z = content(features).z_q
    torch.testing.assert_close(z.square().mean(dim=-1), torch.ones(2, 30), atol=1e-2, rtol=0)
    torch.testing.assert_close(content(features).z_q, z)
    content.train()
    assert not torch.equal(content(features).z_q, z)
    assert not any(weight.requires_grad for weight in content.encoder.parameters())


def test_content_does_not_depend_on_the_level_of_a_recording():
    net, wave = network(), vowels(1.0).astype(np.float32)
    loud, quiet = analyse(wave, net), analyse(wave * 0.03, net)
    torch.testing.assert_close(loud.codes, quiet.codes, atol=1e-3, rtol=1e-3)


def test_the_level_is_that_of_the_frames_with_speech():
    wave = np.concatenate([np.zeros(16000), np.sin(np.arange(16000) * 0.3)]).astype(np.float32)
    spoken = at_speech_level(wave)[16000:]
    np.testing.assert_allclose(np.sqrt(np.mean(spoken**2)), SPEECH_RMS, rtol=0.01)
    assert not at_speech_level(np.zeros(100, np.float32)).any()


def test_decoding_in_pieces_equals_one_pass():
    net = network()
    z, lf0, voice = torch.randn(1, 60, 8), torch.randn(1, 120), torch.randn(1, 32)
    with torch.inference_mode():
        once = net.denormalise_mel(net.decode(z, lf0, voice)[1])[0]
        pieces = list(net.stream_mel(z[0], lf0[0], voice[0], torch.arange(120), 17))
    torch.testing.assert_close(torch.cat(pieces, dim=1), once, atol=1e-4, rtol=1e-4)


def test_a_bundle_keeps_the_frozen_encoder_in_half_precision_and_loads(tmp_path):
    from safetensors.torch import load_file

    from idfacevc.bundles.tensors import load_tensors, save_tensors

    net = network()
    save_tensors(net, tmp_path / "model.safetensors")
    kept = load_file(tmp_path / "model.safetensors")
    assert kept["content.encoder.conv1.weight"].dtype == torch.float16
    assert kept["content.bottleneck.weight"].dtype == torch.float32
    again = network()
    load_tensors(again, tmp_path / "model.safetensors")
    torch.testing.assert_close(again.content.encoder.conv1.weight, kept["content.encoder.conv1.weight"].float())

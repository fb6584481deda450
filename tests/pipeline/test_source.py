"""Analysis by blocks equals analysis at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from idfacevc.audio.mel import LogMel
from idfacevc.bundles.model import load_bundle
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.pipeline import source as analysis
from idfacevc.pipeline.source import analyse, content_codes, mel_blocks
from tests.conftest import vowels


@pytest.fixture(scope="module")
def net(tiny_bundle: Path) -> IDFaceVCNet:
    return load_bundle(tiny_bundle).net


@pytest.mark.parametrize("samples", [16000, 16159, 9920, 4800])
@pytest.mark.parametrize("block", [10, 24, 1000])
def test_blocks_equal_one_pass(net: IDFaceVCNet, samples: int, block: int) -> None:
    wave = vowels(1.5)[:samples]
    whole = LogMel(net.spec.front_end)(torch.from_numpy(wave)[None])
    blocks = list(mel_blocks(wave, net, block))
    torch.testing.assert_close(torch.cat(blocks, dim=1), whole[0])
    if whole.shape[2] % 2:
        whole = torch.cat([whole, whole[:, :, -1:]], dim=2)
    with torch.no_grad():
        expected = net.content_codes(net.normalise_mel(whole))[0]
    codes = torch.cat(list(content_codes(iter(blocks), net)))
    assert torch.equal(codes, expected)
    assert len(codes.unique()) > 4  # a test on one code alone would prove nothing


def test_source_features(net: IDFaceVCNet, monkeypatch: pytest.MonkeyPatch) -> None:
    wave = vowels(1.5)
    source = analyse(wave, net)
    assert (source.samples, len(source.lf0), source.codes.shape) == (24000, 151, (76, 2))
    voiced = source.lf0[source.lf0 != 0]
    assert len(voiced) > 50
    assert abs(float(voiced.mean())) < 1e-5
    assert source.lf0_std == pytest.approx(0.15, abs=0.05)
    monkeypatch.setattr(analysis, "_BLOCK", 40)
    assert torch.equal(analyse(wave, net).codes, source.codes)


def test_speech_without_voice_is_no_fault(net: IDFaceVCNet) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 16000).astype(np.float32)
    source = analyse(noise, net)
    assert np.isfinite(source.lf0.numpy()).all()
    assert np.isfinite(source.lf0_std)

"""LAION's HTSAT and ours have the same tokens for the same weights."""

import importlib.util
import sys
import types
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from idfacevc.backbones import import_laion as laion
from idfacevc.backbones.clap import ClapBackbone
from idfacevc.config.speech import ClapSafpqSpec
from idfacevc.errors import InputError


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A small HTSAT of random weights, built by laion-clap, without its package's start-up, which asks a hub."""
    found = importlib.util.find_spec("laion_clap")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("laion-clap is not installed (make test-laion installs it)")
    pytest.importorskip("torchlibrosa")
    root = next(iter(found.submodule_search_locations))
    for name, folder in (("laion_clap", root), ("laion_clap.clap_module", f"{root}/clap_module")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [folder]
    try:
        from laion_clap.clap_module.htsat import HTSAT_Swin_Transformer

        audio = SimpleNamespace(window_size=1024, hop_size=480, sample_rate=48000, mel_bins=64, fmin=50, fmax=14000)
        torch.manual_seed(0)
        yield HTSAT_Swin_Transformer(
            spec_size=256, patch_size=4, patch_stride=(4, 4), num_classes=7, embed_dim=16, depths=[1, 2, 1, 1],
            num_heads=[1, 2, 2, 4], window_size=8, config=audio, enable_fusion=False,
        ).eval()  # fmt: skip
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "laion_clap"]:
            del sys.modules[name]


@torch.no_grad()
def test_tokens_are_equal(theirs, tmp_path):
    for buffer in theirs.bn0.buffers():  # statistics of a trained one are not those of a new one
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    state = {f"module.audio_branch.{name}": value for name, value in theirs.state_dict().items()}
    state["module.logit_scale_a"] = torch.tensor(1.0)
    torch.save({"epoch": 1, "score": np.float64(0.5), "state_dict": state}, tmp_path / "clap.pt")
    laion.import_clap(tmp_path / "clap.pt", tmp_path / "folder")
    ours = ClapBackbone(ClapSafpqSpec(name=str(tmp_path / "folder"), revision=None, token_dim=128))

    wave = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 480000)).astype(np.float32) * 0.1)
    log_mel = theirs.logmel_extractor(theirs.spectrogram_extractor(wave))
    expected = theirs({"waveform": wave}, mixup_lambda=None, device="cpu")["fine_grained_embedding"]
    tokens = ours.tokens([log_mel])
    # theirs repeats each of the 32 time tokens
    torch.testing.assert_close(tokens, expected[:, :: expected.shape[1] // 32], atol=1e-4, rtol=1e-3)


def test_other_files_are_one_clear_line(tmp_path):
    (tmp_path / "no.pt").write_bytes(b"no")
    with pytest.raises(InputError, match="LAION"):
        laion.import_clap(tmp_path / "no.pt", tmp_path / "folder")
    torch.save({"state_dict": {"module.audio_branch.bn0.weight": torch.ones(3)}}, tmp_path / "part.pt")
    with pytest.raises(InputError, match="no audio branch"):
        laion.import_clap(tmp_path / "part.pt", tmp_path / "folder")

"""Vocoders in folders of their own and inside a model's bundle; which of them a conversion uses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from idfacevc import IDFaceVC
from idfacevc.audio.mel import LogMel
from idfacevc.bundles.model import load_bundle, save_bundle
from idfacevc.bundles.vocoder import VocoderBundleSpec, load_vocoder, save_vocoder
from idfacevc.cli.main import main
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GeneratorSpec, MelStatistics, ParallelWaveGANSpec
from idfacevc.errors import InputError
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from tests.closeness import assert_near
from tests.conftest import RATE, vowels

SIZES = GeneratorSpec(layers=4, stacks=2, residual=8, gate=16, skip=8)


def spec_of(front_end: FrontEndSpec, mean: float = -2.0) -> ParallelWaveGANSpec:
    statistics = MelStatistics((mean,) * 80, (0.7,) * 80)
    return ParallelWaveGANSpec(front_end=front_end, generator=SIZES, statistics=statistics)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_vocoder(tmp_path / "voc", VocoderBundleSpec("voc", spec_of(FrontEndSpec())), Generator(SIZES))
    return tmp_path / "voc"


def mel() -> torch.Tensor:
    return LogMel(FrontEndSpec())(torch.from_numpy(vowels(0.5))[None])[0]


def test_any_checkpoint_speaks_through_another_vocoder(tiny_bundle: Path, folder: Path, tmp_path: Path) -> None:
    vc = IDFaceVC.from_pretrained(tiny_bundle, vocoder=folder)
    assert vc.vocoder.name == "ParallelWaveGAN"
    np.testing.assert_array_equal(vc.vocoder(mel()), load_vocoder(folder)(mel()))
    voice = vc.voice_from_tokens(torch.randn(9, 16))
    speech = vc.convert(voice, audio=(vowels(1.5), RATE), seed=4, loudness=None)
    pieces = list(vc.stream(voice, audio=(vowels(1.5), RATE), seed=4, loudness=None, watermark=False))
    assert_near(np.concatenate(pieces), speech.samples, 1e-3)
    assert IDFaceVC.from_pretrained(tiny_bundle, vocoder="griffin-lim").vocoder.name == "Griffin-Lim"


def test_a_bundle_can_hold_its_vocoder(tiny_bundle: Path, folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    generator = Generator(SIZES, weight_norm=False)
    save_bundle(
        tmp_path / "own", bundle.net, bundle.tower, name="own", vocoder=spec_of(FrontEndSpec()), generator=generator
    )
    assert (tmp_path / "own/vocoder.safetensors").exists()
    vc = IDFaceVC.from_pretrained(tmp_path / "own")
    assert vc.vocoder.name == "ParallelWaveGAN"
    wanted = IDFaceVC(load_bundle(tmp_path / "own")).vocoder(mel())
    np.testing.assert_array_equal(vc.vocoder(mel()), wanted)


def test_statistics_are_the_vocoders_own_business(folder: Path, tmp_path: Path) -> None:
    """The same weights on mels normalised alike: moving a mel and the vocoder's mean by one amount changes nothing."""
    shifted = tmp_path / "shifted"
    shutil.copytree(folder, shifted)
    config = json.loads((shifted / "config.json").read_text())
    config["vocoder"]["statistics"]["mean"] = [-1.0] * 80
    (shifted / "config.json").write_text(json.dumps(config))
    first, second = load_vocoder(folder, FrontEndSpec()), load_vocoder(shifted, FrontEndSpec())
    assert_near(first(mel()), second(mel() + 1), 1e-3)


@pytest.mark.parametrize("change", [{"floor": 1e-5}, {"fmax": 8000.0}, {"log": "ln"}, {"n_fft": 512}])
def test_another_front_end_is_refused_with_both(folder: Path, change: dict[str, object]) -> None:
    model = FrontEndSpec(**change)  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        load_vocoder(folder, model)
    (name, value), ours = next(iter(change.items())), FrontEndSpec()
    assert f"{name} {value}" in str(caught.value) and f"{name} {getattr(ours, name)}" in str(caught.value)
    assert str(caught.value).count("sample_rate") == 2


@pytest.mark.parametrize("fault", ["missing", "truncated", "unknown key", "scale", "sizes", "hop"])
def test_a_damaged_vocoder_is_one_clear_line(
    folder: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    config = json.loads((folder / "config.json").read_text())
    weights = folder / "vocoder.safetensors"
    if fault == "missing":
        (folder / "config.json").unlink()
    elif fault == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        vocoder = config["vocoder"]
        if fault == "unknown key":
            vocoder["import"] = "os"
        elif fault == "scale":
            vocoder["statistics"]["scale"][3] = 0.0
        elif fault == "sizes":
            vocoder["generator"]["residual"] = 9
        elif fault == "hop":
            vocoder["generator"]["upsample_scales"] = [4, 4, 4, 4]
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError) as caught:
        load_vocoder(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_the_bench_prints_a_table_and_an_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("parallel_wavegan")
    common = ["vocoder", "bench", "--vocoder", str(folder), "--seconds", "0.3", "--repeats", "1"]
    assert main([*common, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert set(values) == {"rtf", "upstream_rtf", "ratio", "max_error"}
    assert values["max_error"] < 1e-3 and values["ratio"] == pytest.approx(values["upstream_rtf"] / values["rtf"])
    assert main(common) == 0
    table = capsys.readouterr().out
    assert "parallel-wavegan" in table and "idfacevc" in table


def test_the_bench_says_what_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "parallel_wavegan.models", None)
    assert main(["vocoder", "bench", "--seconds", "0.1"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "pip install parallel-wavegan" in error

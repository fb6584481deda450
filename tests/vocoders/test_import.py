"""Checkpoints written by the package parallel-wavegan become vocoders that sound the same; strangers' files do not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from idfacevc.bundles.vocoder import load_vocoder
from idfacevc.cli.main import main
from idfacevc.config.vocoder import GeneratorSpec
from tests.closeness import assert_near
from tests.vocoders.upstream import generator_params, scrambled, upstream, upstream_generator

SIZES = GeneratorSpec(layers=6, stacks=2, residual=8, gate=12, skip=10)
SETTINGS: dict[str, Any] = {
    "sampling_rate": 16000, "fft_size": 400, "hop_size": 160, "win_length": 400, "window": "hann", "num_mels": 80,
    "fmin": 80, "fmax": 7600, "global_gain_scale": 1.0, "format": "hdf5", "generator_params": generator_params(SIZES),
    "discriminator_params": {"layers": 3}, "lambda_adv": 4.0, "distributed": False,
}  # fmt: skip
MEAN, SCALE = np.linspace(-3, -2, 80), np.linspace(0.5, 1, 80)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint's folder, each file written by the package's own code or the call that it makes."""
    upstream()
    from parallel_wavegan.bin.train import Trainer
    from parallel_wavegan.models import ParallelWaveGANDiscriminator
    from parallel_wavegan.optimizers import RAdam
    from parallel_wavegan.utils import write_hdf5

    folder = tmp_path_factory.mktemp("upstream")
    model = {"generator": scrambled(upstream_generator(SIZES)), "discriminator": ParallelWaveGANDiscriminator(layers=3)}
    optimizer = {name: RAdam(one.parameters(), lr=1e-4, eps=1e-6) for name, one in model.items()}
    scheduler = {name: torch.optim.lr_scheduler.StepLR(one, 10) for name, one in optimizer.items()}
    model["generator"](torch.randn(1, 1, 800), torch.randn(1, 80, 9)).sum().backward()
    optimizer["generator"].step()
    trainer = SimpleNamespace(
        model=model, optimizer=optimizer, scheduler=scheduler, steps=4000, epochs=7, config={"distributed": False}
    )
    Trainer.save_checkpoint(trainer, str(folder / "checkpoint-4000steps.pkl"))
    with open(folder / "config.yml", "w") as file:
        yaml.dump(SETTINGS, file, Dumper=yaml.Dumper)
    write_hdf5(str(folder / "stats.h5"), "mean", MEAN.astype(np.float32))
    write_hdf5(str(folder / "stats.h5"), "scale", SCALE.astype(np.float32))
    np.save(folder / "stats.npy", np.stack([MEAN, SCALE]).astype(np.float32), allow_pickle=False)
    return folder


def run(folder: Path, out: Path, stats: str = "stats.h5", **changes: Any) -> int:
    """Import with some settings of config.yml changed."""
    config = out.parent / f"{out.name}.yml"
    config.write_text(yaml.dump({**SETTINGS, **changes}))
    checkpoint = folder / "checkpoint-4000steps.pkl"
    return main(
        [
            "vocoder",
            "import",
            str(checkpoint),
            "--config",
            str(config),
            "--stats",
            str(folder / stats),
            "--out",
            str(out),
        ]
    )


@pytest.mark.parametrize("stats", ["stats.h5", "stats.npy"])
def test_an_imported_vocoder_makes_the_samples_of_the_package(theirs: Path, tmp_path: Path, stats: str) -> None:
    assert run(theirs, tmp_path / "voc", stats) == 0
    assert {path.name for path in (tmp_path / "voc").iterdir()} == {"config.json", "vocoder.safetensors"}
    from parallel_wavegan.utils import load_model

    torch_load = torch.load
    torch.load = lambda *args, **kwargs: torch_load(*args, **{"weights_only": False, **kwargs})
    try:
        model = load_model(str(theirs / "checkpoint-4000steps.pkl"), stats=str(theirs / stats), config=SETTINGS).eval()
    finally:
        torch.load = torch_load
    mel = torch.randn(80, 40) - 2.5
    noise = np.random.default_rng(3).standard_normal(40 * 160, dtype=np.float32)
    with torch.no_grad():
        wanted = model.inference(mel.T, noise[:, None], normalize_before=True)[:, 0]
    assert_near(load_vocoder(tmp_path / "voc")(mel, seed=3), wanted)
    assert json.loads((tmp_path / "voc/config.json").read_text())["steps"] == 4000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generator_type": "HiFiGANGenerator"}, "generator_type is 'HiFiGANGenerator'"),
        ({"generator_params": {**SETTINGS["generator_params"], "use_causal_conv": True}}, "use_causal_conv is True"),
        ({"generator_params": {**SETTINGS["generator_params"], "layers": 4}}, "not those that"),
        ({"generator_params": None}, "no generator_params"),
        ({"hop_size": 200}, "160 samples of a frame"),
        ({"log_base": 2.0}, "log_base is 2.0"),
        ({"num_mels": 40}, "for each of 40 bands"),
        ({"sampling_rate": "fast"}, "sample_rate: expected int, got 'fast'"),
        ({"sampling_rate": "fast", "fmax": None}, "sample_rate: expected int, got 'fast'"),
        ({"log_base": [10]}, "log_base is"),
        ({"fmin": {}}, "fmin"),
        ({"generator_params": {**SETTINGS["generator_params"], "upsample_params": 3}}, "upsample_params"),
        ({"generator_params": {**SETTINGS["generator_params"], "layers": "many"}}, "layers"),
    ],
)
def test_what_is_no_such_vocoder_is_refused_in_one_line(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], words: str
) -> None:
    assert run(theirs, tmp_path / "voc", **changes) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(words, error), error
    assert not (tmp_path / "voc").exists()


class _Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return open, (str(self.touched), "w")


@pytest.mark.parametrize("fault", ["trap", "truncated", "empty", "missing", "stats", "stats trap", "yaml trap", "yaml"])
def test_damaged_and_hostile_files_are_refused_and_run_nothing(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    touched = tmp_path / "touched"
    files = {name: tmp_path / name for name in ("checkpoint.pkl", "config.yml", "stats.npy")}
    files["checkpoint.pkl"].write_bytes((theirs / "checkpoint-4000steps.pkl").read_bytes())
    files["config.yml"].write_bytes((theirs / "config.yml").read_bytes())
    files["stats.npy"].write_bytes((theirs / "stats.npy").read_bytes())
    if fault == "trap":
        torch.save({"model": {"generator": _Trap(touched)}}, files["checkpoint.pkl"])
    elif fault == "truncated":
        whole = files["checkpoint.pkl"].read_bytes()
        files["checkpoint.pkl"].write_bytes(whole[: len(whole) // 2])
    elif fault == "empty":
        files["checkpoint.pkl"].write_bytes(b"")
    elif fault == "missing":
        files["checkpoint.pkl"].unlink()
    elif fault == "stats":
        files["stats.npy"].write_bytes(b"nothing")
    elif fault == "stats trap":
        np.save(files["stats.npy"], np.array([_Trap(touched)], dtype=object), allow_pickle=True)
    elif fault == "yaml":
        files["config.yml"].write_text("generator_params: {layers: [3")
    elif fault == "yaml trap":
        files["config.yml"].write_text(f"generator_params: !!python/object/apply:builtins.open ['{touched}', 'w']")
    checkpoint, config, stats = map(str, files.values())
    assert (
        main(["vocoder", "import", checkpoint, "--config", config, "--stats", stats, "--out", str(tmp_path / "o")]) == 2
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Traceback" not in error
    assert str(tmp_path) in error
    assert not touched.exists()
    assert not (tmp_path / "o").exists()

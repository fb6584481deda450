"""Read checkpoints of the package parallel-wavegan (kan-bayashi), without running anything that they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from idfacevc.config.reader import from_dict
from idfacevc.config.vocoder import MelStatistics, ParallelWaveGANSpec
from idfacevc.errors import InputError, optional
from idfacevc.files import read_yaml, readable
from idfacevc.vocoders.parallel_wavegan.generator import Generator

# settings under which the package computes something else than `Generator` and `LogMel` do
_FIXED: dict[str, Any] = {"generator_type": "ParallelWaveGANGenerator", "window": "hann", "global_gain_scale": 1.0}
_FIXED_GENERATOR: dict[str, Any] = {
    "in_channels": 1,
    "out_channels": 1,
    "bias": True,
    "use_causal_conv": False,
    "upsample_conditional_features": True,
    "upsample_net": "ConvInUpsampleNetwork",
}
_FIXED_UPSAMPLING: dict[str, Any] = {
    "nonlinear_activation": None,
    "interpolate_mode": "nearest",
    "freq_axis_kernel_size": 1,
    "use_causal_conv": False,
}
_SIZES = {
    "layers": "layers",
    "stacks": "stacks",
    "residual_channels": "residual",
    "gate_channels": "gate",
    "skip_channels": "skip",
    "kernel_size": "kernel",
    "aux_context_window": "context",
}
_LOGS = {10.0: "log10", None: "ln"}
_FLOOR = 1e-10  # the package's, which its configurations do not name


def read_wavegan_checkpoint(
    checkpoint: Path, config: Path, statistics: Path
) -> tuple[ParallelWaveGANSpec, Generator, int]:
    """A checkpoint's vocoder, its generator as it was trained, and the steps of the training.

    Args:
        checkpoint: the .pkl of the package's trainer.
        config: config.yml beside it.
        statistics: stats.h5 (datasets `mean` and `scale`), or stats.npy with these two rows.

    Raises:
        InputError: for a file that cannot be read or is not what it should be, and for a network of another kind.
    """
    settings = _read_config(config)
    try:
        values = {"kind": "parallel_wavegan", "front_end": _front_end(settings), "generator": _generator(settings)}
        spec = from_dict(ParallelWaveGANSpec, {**values, "statistics": _read_statistics(statistics)})
    except (InputError, TypeError) as error:
        raise InputError(f"{config}: {error}") from error
    state = _read_state(checkpoint)
    weights, steps = state["model"]["generator"], state.get("steps", 0)
    if not isinstance(steps, int):
        raise InputError(f"{checkpoint}: its steps are no number")
    normed = any(name.endswith("weight_g") for name in weights)
    generator = Generator(spec.generator, spec.front_end.n_mels, normed)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split()).partition(": ")[2][:200]
        raise InputError(f"{checkpoint}: its weights are not those that {config} describes ({reason})") from error
    return spec, generator, steps


def _read_config(path: Path) -> dict[str, Any]:
    settings = read_yaml(path)
    generator = settings.get("generator_params")
    if not isinstance(generator, dict):
        raise InputError(f"{path}: is no configuration of parallel-wavegan: it has no generator_params")
    upsampling = generator.get("upsample_params") or {}
    if not isinstance(upsampling, dict):
        raise InputError(f"{path}: upsample_params must be a mapping")
    for values, fixed in ((settings, _FIXED), (generator, _FIXED_GENERATOR), (upsampling, _FIXED_UPSAMPLING)):
        for name, needed in fixed.items():
            if values.get(name, needed) != needed:
                raise InputError(f"{path}: {name} is {values[name]!r}; only {needed!r} can be imported")
    return settings


def _front_end(settings: dict[str, Any]) -> dict[str, Any]:
    """Values of a `FrontEndSpec`."""
    missing = [name for name in ("sampling_rate", "fft_size", "hop_size", "num_mels") if name not in settings]
    if missing:
        raise InputError(f"lacks {', '.join(missing)}")
    rate, fft = settings["sampling_rate"], settings["fft_size"]
    fmin, fmax, base = settings.get("fmin"), settings.get("fmax"), settings.get("log_base", 10.0)
    if isinstance(base, (list, dict)) or base not in _LOGS:
        raise InputError(f"log_base is {base}; only 10 and null (natural) can be imported")
    return {
        "sample_rate": rate,
        "n_fft": fft,
        "hop_length": settings["hop_size"],
        "win_length": settings.get("win_length") or fft,
        "n_mels": settings["num_mels"],
        "fmin": 0 if fmin is None else fmin,
        "fmax": rate / 2 if fmax is None and isinstance(rate, int) else fmax,
        "log": _LOGS[base],
        "floor": _FLOOR,
    }


def _generator(settings: dict[str, Any]) -> dict[str, Any]:
    """Values of a `GeneratorSpec`."""
    params = settings["generator_params"]
    sizes = {ours: params[theirs] for theirs, ours in _SIZES.items() if theirs in params}
    scales = (params.get("upsample_params") or {}).get("upsample_scales", (4, 4, 4, 4))
    return {**sizes, "upsample_scales": scales}


def _read_statistics(path: Path) -> MelStatistics:
    try:
        with readable(path, "file of statistics") as file:
            if path.suffix == ".npy":
                rows = np.load(file, allow_pickle=False)
                mean, scale = rows[0], rows[1]
            else:
                mean, scale = _read_h5(file)
        return MelStatistics(tuple(map(float, np.ravel(mean))), tuple(map(float, np.ravel(scale))))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: holds no mean and scale of mel bands ({' '.join(str(error).split())})") from error


def _read_h5(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with optional("h5py", f"{path}: reading it needs h5py: pip install h5py"):
        import h5py
    with h5py.File(path, "r") as file:
        return file["mean"][()], file["scale"][()]


def _read_state(path: Path) -> dict[str, Any]:
    with readable(path, "checkpoint") as file:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load and pickle raise whatever they meet in a foreign file
            raise InputError(f"{path}: is damaged, or holds more than tensors and plain values") from error
    model = state.get("model") if isinstance(state, dict) else None
    weights = model.get("generator") if isinstance(model, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(f"{path}: is no checkpoint of parallel-wavegan: it has no model.generator")
    return state

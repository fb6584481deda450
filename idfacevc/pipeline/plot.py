"""One figure of a conversion: the face, the mels before and after, and both pitch contours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError, optional
from idfacevc.files import replacing

_SECONDS = 15  # of a longer recording, the part that is drawn


def plot_conversion(
    path: str | os.PathLike[str],
    face: Image.Image,
    source: np.ndarray,
    output: np.ndarray,
    spec: FrontEndSpec,
    title: str = "",
) -> None:
    """Write a figure in the format of the name's suffix.

    Args:
        path: .png, .pdf, .svg, ...
        face: crop that the voice was made of.
        source, output: waves (N,) at the front end's rate; the first 15 s are drawn.
        spec: front end of the mels and the pitch.
        title: above all.
    Raises:
        InputError: without matplotlib, for a suffix that it does not write, or a folder that cannot be written.
    """
    Figure = figure_class(path)
    longest = _SECONDS * spec.sample_rate
    source, output = source[:longest], output[:longest]
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=[1, 3.2])
    picture = figure.add_subplot(grid[:, 0])
    picture.imshow(face)
    picture.set_title("face")
    picture.axis("off")
    levels = [_log_mel(wave, spec) for wave in (source, output)]
    low, high = np.percentile(np.concatenate(levels, axis=1), [5, 99.5])
    for row, (mel, label) in enumerate(zip(levels, ("source", "converted"), strict=True)):
        axes = figure.add_subplot(grid[row, 1])
        extent = (0, mel.shape[1] * spec.frame_period, 0, spec.n_mels)
        axes.imshow(mel, origin="lower", aspect="auto", vmin=low, vmax=high, extent=extent, cmap="magma")
        axes.set_ylabel(f"{label}\nmel band")
    axes = figure.add_subplot(grid[2, 1])
    for wave, label in ((source, "source"), (output, "converted")):
        _plot_pitch(axes, wave, spec, label)
    axes.set_xlim(0, max(len(source), len(output)) / spec.sample_rate)
    axes.set_xlabel("time in s")
    axes.set_ylabel("F0 in Hz")
    axes.legend(loc="upper right")
    figure.suptitle(title)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, dpi=120)


def speech_figure(wave: np.ndarray, spec: FrontEndSpec) -> Any:
    """matplotlib's figure of the log-mel and the pitch of speech (N,) at the front end's rate; the first 15 s."""
    wave = wave[: _SECONDS * spec.sample_rate]
    figure = figure_class("figure.png")(figsize=(7, 4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    mel = _log_mel(wave, spec)
    low, high = np.percentile(mel, [5, 99.5])
    extent = (0, mel.shape[1] * spec.frame_period, 0, spec.n_mels)
    above.imshow(mel, origin="lower", aspect="auto", vmin=low, vmax=high, extent=extent, cmap="magma")
    above.set_ylabel("mel band")
    _plot_pitch(below, wave, spec)
    below.set_xlim(0, len(wave) / spec.sample_rate)
    below.set_xlabel("time in s")
    below.set_ylabel("F0 in Hz")
    return figure


def _plot_pitch(axes: Any, wave: np.ndarray, spec: FrontEndSpec, label: str | None = None) -> None:
    lf0 = log_f0(wave, spec)
    hertz = np.where(lf0 != 0, np.exp(lf0), np.nan)
    axes.plot(np.arange(len(hertz)) * spec.frame_period, hertz, ".", markersize=3, label=label)


def figure_class(path: str | os.PathLike[str]) -> Any:
    """matplotlib's `Figure`, if it is installed and writes files named like `path`; else an `InputError`."""
    with optional("matplotlib", "figures need matplotlib: pip install 'idfacevc[plot]'"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    suffix = Path(path).suffix.lower().lstrip(".")
    formats = sorted(FigureCanvasAgg.get_supported_filetypes())
    if suffix not in formats:
        raise InputError(f"{path}: figures are written as {', '.join(formats)}")
    return Figure


def _log_mel(wave: np.ndarray, spec: FrontEndSpec) -> np.ndarray:
    return LogMel(spec)(torch.from_numpy(np.ascontiguousarray(wave, np.float32))[None])[0].numpy()

"""Audio and spectra of validation segments, written beside a vocoder's training log."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from idfacevc.audio.output import save_audio, save_recording
from idfacevc.training.vocoder import VocoderModule

_N_FFT, _HOP = 1024, 128
_FLOOR = 1e-5


class WaveSampleWriter(pl.Callback):
    """At every `every_epochs`-th validation: `step-N.png` and `step-N-K.wav`, and the recordings once.

    Args:
        folder: where they go.
        count: segments.
        every_epochs: epochs between two sets.
    """

    def __init__(self, folder: str, count: int = 3, every_epochs: int = 1) -> None:
        self.folder, self.count, self.every_epochs = Path(folder), count, every_epochs

    @torch.no_grad()
    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking or (trainer.current_epoch + 1) % self.every_epochs:
            return
        assert isinstance(module, VocoderModule)
        batch = next(iter(trainer.datamodule.val_dataloader()))  # type: ignore[attr-defined]
        batch = {name: value[: self.count].to(module.device) for name, value in batch.items()}
        made, real = module.copy_synthesis(batch).cpu(), batch["wave"].cpu()
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = self.folder / f"step-{module.steps:07d}"
        _draw(stem.with_suffix(".png"), real, made)
        for number, (recording, one) in enumerate(zip(real, made, strict=True)):
            save_audio(f"{stem}-{number}.wav", one.numpy(), module.front_end.sample_rate)
            save_recording(self.folder / f"recording-{number}.wav", recording.numpy(), module.front_end.sample_rate)


def _draw(path: Path, real: Tensor, made: Tensor) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2.5 * len(real)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(real), 2, squeeze=False)
    for row, pair in zip(axes, zip(real, made, strict=True), strict=True):
        for axis, wave, title in zip(row, pair, ("recording", "made"), strict=True):
            spectrum = torch.stft(wave, _N_FFT, _HOP, window=torch.hann_window(_N_FFT), return_complex=True)
            axis.imshow(spectrum.abs().clamp_min(_FLOOR).log10(), origin="lower", aspect="auto")
            axis.set_title(title, fontsize=8)
    figure.savefig(path)

"""Pictures and audio of validation material, written beside a training's log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from idfacevc.audio.output import save_audio, save_recording
from idfacevc.training.module import ConversionModule
from idfacevc.training.vocoder import VocoderModule

_N_FFT, _HOP = 1024, 128  # of the pictures of waves
_FLOOR = 1e-5


class _SampleWriter(pl.Callback):
    """Every `every_epochs` epochs, samples of the first validation clips.

    Args:
        folder: Folder to write.
        count: Number of clips.
        every_epochs: Epochs between two sets.
    """

    def __init__(self, folder: str, count: int = 3, every_epochs: int = 10) -> None:
        self.folder, self.count, self.every_epochs = Path(folder), count, every_epochs

    @torch.no_grad()
    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not trainer.is_global_zero or trainer.sanity_checking or (trainer.current_epoch + 1) % self.every_epochs:
            return
        batch = next(iter(trainer.datamodule.val_dataloader()))  # type: ignore[attr-defined]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write(module, {name: value[: self.count].to(module.device) for name, value in batch.items()})

    def write(self, module: pl.LightningModule, batch: dict[str, Tensor]) -> None:
        """Write the samples of a batch."""
        raise NotImplementedError


class MelSampleWriter(_SampleWriter):
    """Reconstructions of a stage: `epoch-N.png` and `epoch-N-K.wav`, by Griffin-Lim."""

    def write(self, module: pl.LightningModule, batch: dict[str, Tensor]) -> None:
        assert isinstance(module, ConversionModule)
        from idfacevc.vocoders.griffin_lim import GriffinLim

        net = module.net
        voice = (net.face_voice(batch["face"]) if "face" in batch else net.speech_voice(batch["speech"])).voice
        _, post = net.decode(net.content(net.normalise_mel(batch["mel"])).z_q, batch["lf0"], voice)
        made = net.denormalise_mel(post.float()).cpu()
        stem = self.folder / f"epoch-{module.current_epoch + 1:05d}"
        _draw(stem.with_suffix(".png"), batch["mel"].cpu(), made, lambda mel: mel)
        vocoder = GriffinLim(module.spec.front_end)
        for number, one in enumerate(made):
            save_audio(f"{stem}-{number}.wav", vocoder(one), module.spec.front_end.sample_rate)


class WaveSampleWriter(_SampleWriter):
    """Copy synthesis of a vocoder: `step-N.png` and `step-N-K.wav`, and the recordings themselves."""

    def write(self, module: pl.LightningModule, batch: dict[str, Tensor]) -> None:
        assert isinstance(module, VocoderModule)
        made, real = module.copy_synthesis(batch).cpu(), batch["wave"].cpu()
        stem, rate = self.folder / f"step-{module.steps:07d}", module.front_end.sample_rate
        _draw(stem.with_suffix(".png"), real, made, _spectrum)
        for number, (recording, one) in enumerate(zip(real, made, strict=True)):
            save_audio(f"{stem}-{number}.wav", one.numpy(), rate)
            save_recording(self.folder / f"recording-{number}.wav", recording.numpy(), rate)


def _spectrum(wave: Tensor) -> Tensor:
    spectrum = torch.stft(wave, _N_FFT, _HOP, window=torch.hann_window(_N_FFT), return_complex=True)
    return spectrum.abs().clamp_min(_FLOOR).log10()


def _draw(path: Path, real: Tensor, made: Tensor, picture: Callable[[Tensor], Tensor]) -> None:
    """A row a clip: the picture of the recording and that of what was made."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2.5 * len(real)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(real), 2, squeeze=False)
    for row, pair in zip(axes, zip(real, made, strict=True), strict=True):
        for axis, one, title in zip(row, pair, ("recording", "made"), strict=True):
            axis.imshow(picture(one), origin="lower", aspect="auto", interpolation="nearest")
            axis.set_title(title, fontsize=8)
    figure.savefig(path)

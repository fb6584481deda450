"""Mel pictures and audio of validation clips, written beside the training log."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
import torch

from idfacevc.audio.output import save_audio
from idfacevc.training.module import ConversionModule


class SampleWriter(pl.Callback):
    """Every `every_epochs` epochs, reconstruct some validation clips: `epoch-N.png` and `epoch-N-K.wav`.

    Args:
        folder: where they go.
        count: clips.
        every_epochs: epochs between two sets.
    """

    def __init__(self, folder: str, count: int = 3, every_epochs: int = 10) -> None:
        self.folder, self.count, self.every_epochs = Path(folder), count, every_epochs

    @torch.no_grad()
    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not trainer.is_global_zero or trainer.sanity_checking or (trainer.current_epoch + 1) % self.every_epochs:
            return
        assert isinstance(module, ConversionModule)
        from idfacevc.vocoders.griffin_lim import GriffinLim

        batch = next(iter(trainer.datamodule.val_dataloader()))  # type: ignore[attr-defined]
        batch = {name: value[: self.count].to(module.device) for name, value in batch.items()}
        mel = module.net.normalise(batch["mel"])
        voice = (
            module.net.face_voice(batch["face"]).voice
            if "face" in batch
            else module.net.speech_voice(batch["speech"]).voice
        )
        _, post = module.net.decode(module.net.content(mel).z_q, batch["lf0"], voice)
        made = module.net.denormalise(post.float()).cpu()
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = self.folder / f"epoch-{trainer.current_epoch + 1:05d}"
        _draw(stem.with_suffix(".png"), batch["mel"].cpu(), made)
        vocoder = GriffinLim(module.spec.front_end)
        for number, one in enumerate(made):
            save_audio(f"{stem}-{number}.wav", vocoder(one), module.spec.front_end.sample_rate)


def _draw(path: Path, target: torch.Tensor, made: torch.Tensor) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2 * len(target)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(target), 2, squeeze=False)
    for row, pair in zip(axes, zip(target, made, strict=True), strict=True):
        for axis, mel, title in zip(row, pair, ("recording", "decoded"), strict=True):
            axis.imshow(mel, origin="lower", aspect="auto", interpolation="nearest")
            axis.set_title(title, fontsize=8)
    figure.savefig(path)

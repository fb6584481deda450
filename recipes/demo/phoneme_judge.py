"""A recogniser of phonemes in a mel, which hears whether a conversion says what its source says."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.text import char_error_rate

from idfacevc.audio.mel import random_equaliser, warp_mel_axis
from recipes.demo.judge import JudgeModule, load_judge
from recipes.demo.utterances import BLANK

_DILATIONS = (1, 2, 4, 1, 2, 4)


class PhonemeJudge(nn.Module):
    """Dilated residual convolutions over a normalised mel.

    Shape: mel (B, M, T) -> what is said (B, D, ceil(T / 2)).
    """

    def __init__(self, n_mels: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Conv1d(n_mels, hidden, 5, 2, 2), nn.BatchNorm1d(hidden), nn.ReLU())
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(hidden, hidden, 3, 1, dilation, dilation), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.1)
            )
            for dilation in _DILATIONS
        )

    def forward(self, mel: Tensor) -> Tensor:
        hidden = self.enter(mel)
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return hidden

    def difference(self, made: Tensor, real: Tensor) -> Tensor:
        """1 - cosine of what is heard in two mels (B, M, T) at the same time, mean over frames and batch.

        Each number counts by how it deviates from its mean over the batch: what all frames share says nothing.
        """
        with torch.no_grad():
            wanted = self(real)
            mean, std = wanted.mean(dim=(0, 2), keepdim=True), wanted.std(dim=(0, 2), keepdim=True) + 1e-5
        return 1 - F.cosine_similarity((self(made) - mean) / std, (wanted - mean) / std, dim=1).mean()


class PhonemeJudgeModule(JudgeModule):
    """Connectionist temporal classification of phonemes, of utterances of `utterances.UtteranceDataModule`.

    Args:
        n_mels, hidden: Sizes of `PhonemeJudge`.
        lr: Peak rate of a one-cycle schedule.
        sounds: Size of the alphabet with the blank; 0 reads it from the datamodule.
    """

    def __init__(self, n_mels: int = 80, hidden: int = 256, lr: float = 1e-3, sounds: int = 0) -> None:
        super().__init__(n_mels)
        self.save_hyperparameters()
        self.judge = PhonemeJudge(n_mels, hidden)
        self.sounds = sounds

    def configure_model(self) -> None:
        if hasattr(self, "output"):
            return
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        data.setup("fit")
        self.take_statistics(data.statistics)
        self.output = nn.Conv1d(self.hparams["hidden"], self.sounds or len(data.alphabet) + 1, 1)

    def loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """CTC loss a phoneme, and the share of phonemes that a greedy reading gets wrong."""
        mel = self.normalise_mel(batch["mel"])
        if self.training:  # words do not depend on the vocal tract or the microphone
            mel = warp_mel_axis(mel, torch.exp(torch.empty(len(mel), device=mel.device).uniform_(-0.15, 0.15)))
            mel = mel + random_equaliser(mel, 0.4)
        scores = self.output(self.judge(mel)).float().log_softmax(dim=1)
        lengths = (batch["frames"] + 1) // 2
        loss = (
            F.ctc_loss(
                scores.permute(2, 0, 1), batch["phonemes"], lengths, batch["sounds"], BLANK, "sum", zero_infinity=True
            )
            / batch["sounds"].sum()
        )
        return loss, _error_rate(scores.argmax(dim=1), lengths, batch)

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        loss, _ = self.loss(batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        loss, errors = self.loss(batch)
        self.log_dict({"valid/loss": loss, "valid/errors": errors}, batch_size=len(batch["mel"]), prog_bar=True)


@torch.no_grad()
def _error_rate(best: Tensor, lengths: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Edits between best symbols (B, T), repetitions and blanks removed, and the phonemes, over their number."""
    heard = [torch.unique_consecutive(row[:length]) for row, length in zip(best, lengths, strict=True)]
    wanted = [row[:count] for row, count in zip(batch["phonemes"], batch["sounds"], strict=True)]
    return char_error_rate([_letters(row[row != BLANK]) for row in heard], [_letters(row) for row in wanted])


def _letters(symbols: Tensor) -> str:
    return "".join(map(chr, symbols.tolist()))


def load_phoneme_judge(checkpoint: str) -> PhonemeJudge:
    """The frozen judge of a checkpoint."""
    return load_judge(PhonemeJudge, checkpoint, "n_mels", "hidden")

"""A judge of voices reads the speaker embedding off a mel: a training can ask whose voice a decoded mel has."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.mel import random_equaliser
from idfacevc.losses.term import Conversion, ConversionLoss
from recipes.demo.judge import JudgeModule, load_judge


class SpeakerJudge(nn.Module):
    """Convolutions over a normalised mel, averaged over time.

    Shape: mel (B, M, T) -> unit vectors (B, D).
    """

    def __init__(self, n_mels: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(n_mels, hidden, 5, 2, 2), nn.BatchNorm1d(hidden), nn.ReLU(),
            nn.Conv1d(hidden, hidden, 5, 2, 2), nn.BatchNorm1d(hidden), nn.ReLU(),
            nn.Conv1d(hidden, hidden, 3, 1, 1), nn.BatchNorm1d(hidden), nn.ReLU(),
        )  # fmt: skip
        self.output = nn.Linear(2 * hidden, dim)

    def forward(self, mel: Tensor) -> Tensor:
        hidden = self.layers(mel)
        pooled = torch.cat([hidden.mean(dim=2), hidden.std(dim=2)], dim=1)
        return F.normalize(self.output(pooled), dim=1)

    def difference(self, mel: Tensor, embedding: Tensor) -> Tensor:
        """1 - cosine of what is read off mels (B, M, T) and speaker embeddings (B, P, D), mean over the batch."""
        return 1 - F.cosine_similarity(self(mel), embedding.mean(dim=1), dim=1).mean()


class SpeakerJudgeModule(JudgeModule):
    """Regression of the utterance embedding (Resemblyzer) from crops: 1 - cosine.

    Args:
        n_mels, hidden, dim: Sizes of `SpeakerJudge`; `dim` is the embedding's width.
        lr: Peak rate of a one-cycle schedule.
    """

    def __init__(self, n_mels: int = 80, hidden: int = 256, dim: int = 256, lr: float = 2e-3) -> None:
        super().__init__(n_mels)
        self.save_hyperparameters()
        self.judge = SpeakerJudge(n_mels, hidden, dim)

    def on_fit_start(self) -> None:
        self.take_statistics(self.trainer.datamodule.statistics)  # type: ignore[attr-defined]

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """1 - cosine to the utterance embedding, mean over the batch."""
        mel = self.normalise_mel(batch["mel"])
        if self.training:  # a voice is more than its microphone
            mel = mel + random_equaliser(mel, 0.2)
        return self.judge.difference(mel, batch["speech"])

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        loss = self.loss(batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        self.log("valid/loss", self.loss(batch), batch_size=len(batch["mel"]), prog_bar=True)


def load_speaker_judge(checkpoint: str) -> SpeakerJudge:
    """The frozen judge of a checkpoint."""
    return load_judge(SpeakerJudge, checkpoint, "n_mels", "hidden", "dim")


class SpeakerLoss(ConversionLoss):
    """How far the voice of a decoded mel is from the voice that it is to have: 1 - cosine, as a frozen judge reads it.

    Args:
        checkpoint: Lightning checkpoint of a `SpeakerJudgeModule`; the speech features must be the embeddings that it
            reads.
        weight: Factor of the term.
    """

    def __init__(self, checkpoint: str, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.judge = load_speaker_judge(checkpoint)

    def train(self, mode: bool = True) -> SpeakerLoss:
        """The judge stays as it is."""
        return super().train(False)

    def error(self, conversion: Conversion) -> Tensor:
        return self.judge.difference(conversion.mel, conversion.speech)

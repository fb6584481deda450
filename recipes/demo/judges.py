"""What frozen judges say of conversions, for which there is no recording to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from idfacevc.training.module import LossSpec
from recipes.demo.phoneme_judge import load_phoneme_judge
from recipes.demo.speaker_judge import load_speaker_judge


@dataclass(frozen=True)
class JudgesSpec:
    """Checkpoints of the judges; empty does without.

    Attributes:
        voice: checkpoint of a `SpeakerJudgeModule`, for the loss weight `voice`; the speech features must be the
            embeddings that it reads.
        words: of a `PhonemeJudgeModule`, for the loss weight `words`.
    """

    voice: str = ""
    words: str = ""


class Conversion(NamedTuple):
    """A decoded mel (B, M, T) with what it was made of.

    Attributes:
        mel: normalised, as `source` is.
        source: mel whose words it is to say.
        speech: embedding (B, P, D) of the voice it is to have.
    """

    mel: Tensor
    source: Tensor
    speech: Tensor


class Judges(nn.Module):
    """The judges of a `JudgesSpec`, frozen."""

    def __init__(self, spec: JudgesSpec) -> None:
        super().__init__()
        self.voice = load_speaker_judge(spec.voice) if spec.voice else None
        self.words = load_phoneme_judge(spec.words) if spec.words else None

    def __bool__(self) -> bool:
        return self.voice is not None or self.words is not None

    def train(self, mode: bool = True) -> Judges:
        return super().train(False)

    def loss(self, conversions: list[Conversion], weight: LossSpec, logs: dict[str, Tensor]) -> Tensor:
        """Weighted differences in voice and in words, each the mean over the conversions."""
        total = conversions[0].mel.new_zeros(())
        if self.voice is not None:
            logs["voice"] = _mean([self.voice.difference(one.mel, one.speech) for one in conversions])
            total = total + weight.voice * logs["voice"]
        if self.words is not None:
            logs["words"] = _mean([self.words.difference(one.mel, one.source) for one in conversions])
            total = total + weight.words * logs["words"]
        return total


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()

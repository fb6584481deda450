"""The speaker table of a VITS model as a space of voices: a new voice is a row that is appended to the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from idfacevc.errors import InputError
from idfacevc.text.speakers.spaces.base import SpeakerBank, SpeakerSpace
from idfacevc.text.speakers.vits import VitsSpeaker


class VitsSpace(SpeakerSpace):
    """Rows (E,) of the table of a multi-speaker model.

    Args:
        source: folder or hub id, as `VitsSpeaker` takes it.
        licence: Licence of the model's voices.
    Raises:
        InputError: for a model that is not here, or has one voice only.
    """

    name = "vits"

    def __init__(self, source: str | Path, language: str = "en", licence: str = "") -> None:
        self._source, self._language, self._licence = source, language, licence
        speaker = VitsSpeaker(source, language)
        if speaker.model.config.num_speakers < 2:
            raise InputError(f"{source} has one voice only, and no table to which another could be added")
        self._table = speaker.model.embed_speaker.weight.detach().clone()
        self.dim = self._table.shape[1]
        self.sample_rate = speaker.sample_rate

    def bank(self) -> SpeakerBank:
        count = len(self._table)
        return SpeakerBank(tuple(map(str, range(count))), self._table.numpy(), ("",) * count, self._licence)

    def speaker(self, vector: np.ndarray) -> VitsSpeaker:
        speaker = VitsSpeaker(self._source, self._language)
        rows = torch.cat([self._table, torch.from_numpy(self.project(vector))[None]])
        speaker.model.embed_speaker = nn.Embedding.from_pretrained(rows)
        speaker.model.config.num_speakers = len(rows)
        speaker.choose(len(rows) - 1)
        return speaker

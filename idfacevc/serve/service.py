"""What the endpoints and the page share: the model's queue, the voices, the limits and the counters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from idfacevc.serve.engine import Engine
from idfacevc.serve.metrics import Metrics
from idfacevc.serve.model import Model, Take
from idfacevc.serve.voices import VoiceStore


@dataclass(frozen=True)
class Limits:
    """What one request may take of the service.

    Attributes:
        upload: bytes of its body.
        seconds: until its answer must be complete.
        places: requests that may wait or be in work at a time.
        workers: threads that work on them.
    """

    upload: int = 25_000_000
    seconds: float = 600.0
    places: int = 32
    workers: int = 1


@dataclass
class Service:
    """What the endpoints and the page share."""

    engine: Engine
    store: VoiceStore
    limits: Limits
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics(lambda: self.engine.inside)

    @property
    def model(self) -> Model:
        """The loaded model, or `Loading`."""
        return self.engine.model

    def counted(self, take: Take) -> Iterator[np.ndarray]:
        """The pieces of speech, whose seconds are counted."""
        for piece in take.pieces:
            self.metrics.speech.inc(len(piece) / take.rate)
            yield piece

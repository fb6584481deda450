"""What a vocoder is, and how a bundle names one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.reader import to_dict
from idfacevc.errors import InputError


class Vocoder(Protocol):
    """Turns a log-mel (M, T), not normalised, into T * hop samples; sample `t * hop` is the centre of frame t.

    Attributes:
        name: Name in reports.
        spec: front end of the mels that it reads.
        reads_pitch: Whether it wants the pitch contour in Hz, 0 where unvoiced, as one more row below the mel's.
    """

    name: str
    spec: FrontEndSpec
    reads_pitch: bool

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """The whole wave, float32 (T * hop,), of a mel (M, T)."""
        ...

    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The same wave in pieces, of a mel that arrives in pieces (M, t), in bounded memory and without seams."""
        ...


def check_front_ends(model: FrontEndSpec, vocoder: FrontEndSpec) -> None:
    """`InputError` with both specifications unless they are the same."""
    if model != vocoder:
        raise InputError(
            "the vocoder reads other mels than the model makes, and there is no exact conversion; "
            f"model: {_written(model)}; vocoder: {_written(vocoder)}"
        )


def _written(spec: FrontEndSpec) -> str:
    return ", ".join(f"{name} {value}" for name, value in to_dict(spec).items())


def checked_mels(mels: Iterable[Tensor], spec: FrontEndSpec, pitch: bool = False) -> Iterator[Tensor]:
    """The pieces of a mel that hold frames, each checked (see `check_mel`); `InputError` if there is none."""
    frames = 0
    for mel in mels:
        check_mel(mel, spec, pitch)
        frames += mel.shape[1]
        if mel.shape[1]:
            yield mel
    if not frames:
        raise InputError("the mel is empty: it holds no frames")


def check_mel(mel: Tensor, spec: FrontEndSpec, pitch: bool = False) -> None:
    """`InputError` unless `mel` is a finite (M, T) with the front end's bands, and with `pitch` one row more."""
    rows = spec.n_mels + pitch
    if mel.ndim != 2 or mel.shape[0] != rows:
        wanted = "mels and their pitch" if pitch else "mels"
        raise InputError(f"the vocoder reads {wanted} of shape ({rows}, T), not {tuple(mel.shape)}")
    if not torch.isfinite(mel).all():
        raise InputError("the mel holds values that are not finite numbers (NaN or infinity)")

"""What a vocoder is, and how a bundle names one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from idfacevc.config import FrontEndSpec
from idfacevc.errors import InputError

VOCODER_NAMES = {"griffin_lim": "Griffin-Lim (no weights)"}


@dataclass(frozen=True)
class VocoderSpec:
    """The vocoder of a bundle.

    Attributes:
        kind: "griffin_lim" needs no weights.
        front_end: of the mels that it reads; the acoustic model's must be the same.
        iterations: of Griffin-Lim.
    """

    kind: Literal["griffin_lim"] = "griffin_lim"
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    iterations: int = 100


class Vocoder(Protocol):
    """Turns a log-mel (M, T), not normalised, into T * hop samples; sample `t * hop` is the centre of frame t.

    Attributes:
        name: what it is called in reports.
        spec: front end of the mels that it reads.
    """

    name: str
    spec: FrontEndSpec

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """The whole wave, float32 (T * hop,), of a mel (M, T)."""
        ...

    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The same wave in pieces, of a mel that arrives in pieces (M, t), in bounded memory and without seams."""
        ...


def build_vocoder(spec: VocoderSpec, device: torch.device | str = "cpu") -> Vocoder:
    """The vocoder that a bundle names."""
    from idfacevc.vocoder.griffin_lim import GriffinLim

    return GriffinLim(spec.front_end, spec.iterations, device)


def check_mel(mel: Tensor, spec: FrontEndSpec) -> None:
    """`InputError` unless `mel` is a finite (M, T) with the front end's number of bands."""
    if mel.ndim != 2 or mel.shape[0] != spec.n_mels:
        raise InputError(f"the vocoder reads mels of shape ({spec.n_mels}, T), not {tuple(mel.shape)}")
    if not torch.isfinite(mel).all():
        raise InputError("the mel holds values that are not finite numbers (NaN or infinity)")

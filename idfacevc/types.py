"""What the API hands out: `Voice`, `Speech` and `FaceAttributes`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from idfacevc.audio.io import replacing, save_audio
from idfacevc.errors import InputError

_FORMAT = "idfacevc-voice-1"


@dataclass(frozen=True)
class Voice:
    """A face's voice in one checkpoint's terms.

    Attributes:
        vector: (D,) what the decoder is given: the voice that the memory recalls.
        identity: (D,) the face identity that recalled it.
        tokens: (P, D') of the face backbone, averaged over the pictures.
        checkpoint: fingerprint of the weights that made it; others refuse it.
    """

    vector: Tensor
    identity: Tensor
    tokens: Tensor
    checkpoint: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the voice as a safetensors file."""
        tensors = {"vector": self.vector, "identity": self.identity, "tokens": self.tokens}
        with replacing(Path(path)) as temporary:
            try:
                save_file(tensors, temporary, {"format": _FORMAT, "checkpoint": self.checkpoint})
            except (OSError, SafetensorError) as error:
                raise InputError(f"{path}: cannot be written ({error})") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Voice:
        """Read what `save` wrote; any other file is an `InputError`."""
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                names = set(file.keys())
                if metadata.get("format") != _FORMAT or names != {"vector", "identity", "tokens"}:
                    raise InputError(f"{path}: is not a voice file of idfacevc")
                tensors = {name: file.get_tensor(name) for name in names}
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path}: cannot be read as a voice file ({error})") from error
        for name, dimensions in (("vector", 1), ("identity", 1), ("tokens", 2)):
            tensor = tensors[name]
            if tensor.ndim != dimensions or not tensor.is_floating_point() or not tensor.isfinite().all():
                raise InputError(f"{path}: is a damaged voice file ({name} of {tensor.dtype} {tuple(tensor.shape)})")
        return cls(**tensors, checkpoint=metadata.get("checkpoint", ""))


@dataclass(frozen=True)
class Speech:
    """Converted speech.

    Attributes:
        samples: (N,) float32.
        sample_rate: in Hz.
        mel: (M, T) log-mel that it was made from.
    """

    samples: np.ndarray
    sample_rate: int
    mel: np.ndarray

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write WAV or FLAC by the name's suffix, marked as synthetic speech."""
        save_audio(path, self.samples, self.sample_rate)


@dataclass(frozen=True)
class FaceAttributes:
    """What the face tower reads in a face: gender "f" or "m", its probability, and an age bin such as "20-29"."""

    gender: str
    gender_probability: float
    age: str

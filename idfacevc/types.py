"""What the API hands out: `Voice`, `Speech` and `FaceAttributes`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from idfacevc.audio.output import save_audio
from idfacevc.audio.provenance import Provenance
from idfacevc.errors import InputError
from idfacevc.files import readable, replacing

_FORMAT = "idfacevc-voice-1"
_DIMENSIONS = {"vector": 1, "identity": 1, "tokens": 2}


@dataclass(frozen=True)
class Voice:
    """A face's voice in one checkpoint's terms; its arrays are float32.

    Attributes:
        vector: (D,) what the decoder is given: the voice that the memory recalls.
        identity: (D,) the face identity that recalled it.
        tokens: (P, D') of the face backbone, averaged over the pictures.
        checkpoint: fingerprint of the weights that made it; others refuse it.
        origin: where it came from, in words: "face" with the digest of the picture, "generated".
    """

    vector: np.ndarray
    identity: np.ndarray
    tokens: np.ndarray
    checkpoint: str
    origin: str = ""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the voice as a safetensors file."""
        arrays = {name: np.ascontiguousarray(getattr(self, name), np.float32) for name in _DIMENSIONS}
        with replacing(Path(path)) as temporary:
            facts = {"format": _FORMAT, "checkpoint": self.checkpoint, "origin": self.origin}
            save_file(arrays, temporary, facts)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Voice:
        """Read what `save` wrote; any other file is an `InputError`."""
        try:
            with readable(path, "voice file") as readable_path, safe_open(readable_path, "np") as file:
                metadata = file.metadata() or {}
                names = set(file.keys())
                if metadata.get("format") != _FORMAT or names != set(_DIMENSIONS):
                    raise InputError(f"{path}: is not a voice file of idfacevc")
                arrays = {name: file.get_tensor(name) for name in names}
        except (OSError, SafetensorError, TypeError) as error:  # TypeError: numbers that NumPy does not have
            raise InputError(f"{path}: cannot be read as a voice file ({error})") from error
        for name, dimensions in _DIMENSIONS.items():
            array = arrays[name]
            if array.ndim != dimensions or array.dtype != np.float32 or not array.size or not np.isfinite(array).all():
                raise InputError(f"{path}: is a damaged voice file ({name} of {array.dtype} {array.shape})")
        return cls(**arrays, checkpoint=metadata.get("checkpoint", ""), origin=metadata.get("origin", ""))


@dataclass(frozen=True)
class Speech:
    """Converted speech.

    Attributes:
        samples: (N,) float32, without the watermark, which `save` adds.
        sample_rate: in Hz.
        mel: (M, T) log-mel that it was made from.
        provenance: what its file says of where it came from.
    """

    samples: np.ndarray
    sample_rate: int
    mel: np.ndarray
    provenance: Provenance = field(default_factory=Provenance)

    def save(self, path: str | os.PathLike[str], watermark: bool = True) -> None:
        """Write WAV, FLAC, MP3, Opus or M4A by the name's suffix, marked as synthetic speech."""
        save_audio(path, self.samples, self.sample_rate, watermark=watermark, provenance=self.provenance)


@dataclass(frozen=True)
class FaceAttributes:
    """What the face tower reads in a face: gender "f" or "m", its probability, and an age bin such as "20-29"."""

    gender: str
    gender_probability: float
    age: str

"""What the API hands out: `Voice`, `GeneratedVoice`, `Speech` and `FaceAttributes`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from idfacevc.audio.output import save_audio
from idfacevc.audio.provenance import Provenance
from idfacevc.errors import InputError
from idfacevc.files import readable, replacing

# wraps the pieces of a waveform, given their sample rate, and hands them on, to show how far a conversion is
Progress = Callable[[Iterator[np.ndarray], int], Iterator[np.ndarray]]

_FORMAT, _GENERATED = "idfacevc-voice-1", "idfacevc-generated-voice-1"
_DIMENSIONS = {"vector": 1, "identity": 1, "tokens": 2}


@dataclass(frozen=True)
class Voice:
    """A face's voice in one checkpoint's terms; its arrays are float32.

    Attributes:
        vector: (D,) what the decoder is given: the voice that the memory recalls.
        identity: (D,) the face identity that recalled it.
        tokens: (P, D') of the face backbone, averaged over the pictures.
        checkpoint: fingerprint of the weights that made it; others refuse it.
        origin: Origin in words: "face" with the digest of the picture, "generated".
    """

    vector: np.ndarray
    identity: np.ndarray
    tokens: np.ndarray
    checkpoint: str
    origin: str = ""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the voice as a safetensors file."""
        arrays = {name: getattr(self, name) for name in _DIMENSIONS}
        _write(path, arrays, {"format": _FORMAT, "checkpoint": self.checkpoint, "origin": self.origin})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Voice:
        """Read what `save` wrote; any other file is an `InputError`."""
        metadata, arrays = _read(path)
        if metadata.get("format") != _FORMAT or arrays.keys() != _DIMENSIONS.keys():
            raise InputError(f"{path}: is not a voice file of idfacevc")
        for name, dimensions in _DIMENSIONS.items():
            _sound_array(path, name, arrays[name], dimensions)
        return cls(**arrays, checkpoint=metadata.get("checkpoint", ""), origin=metadata.get("origin", ""))


@dataclass(frozen=True)
class GeneratedVoice:
    """A voice of Vclip: one that belongs to nobody, or a real one of the synthesiser's bank.

    Attributes:
        vector: (E,) what the synthesiser takes as the voice.
        sound: (V,) unit vector of how it sounds to the speaker encoder; what the converter takes as the voice.
        space: name of the vector's space.
        name: Name of a bank's voice, or the candidate's number.
        score: cosine with the face in the association space.
        rank: Rank from 1 among all candidates.
        percentile: share of the candidates that score lower, in percent.
        nearest: name of the bank's voice that is nearest to the vector.
        distance: from it, in the space's units; 0 for a voice of the bank.
        selector: fingerprint of the heads that gave the score.
    """

    vector: np.ndarray
    sound: np.ndarray
    space: str
    name: str
    score: float
    rank: int
    percentile: float
    nearest: str
    distance: float
    selector: str

    @property
    def provenance(self) -> Provenance:
        """What a file of this voice says of where it came from."""
        return Provenance("Vclip", self.selector, f"{self.space} {self.name}, generated for a face")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the voice as a safetensors file."""
        about = {key: value for key, value in asdict(self).items() if key not in ("vector", "sound")}
        arrays = {"vector": self.vector, "sound": self.sound}
        _write(path, arrays, {"format": _GENERATED, "about": json.dumps(about)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> GeneratedVoice:
        """Read what `save` wrote; any other file is an `InputError`."""
        metadata, arrays = _read(path)
        if metadata.get("format") != _GENERATED or arrays.keys() != {"vector", "sound"}:
            raise InputError(f"{path}: is not a generated voice of idfacevc")
        try:
            about = json.loads(metadata["about"])
            vector, sound = (_sound_array(path, name, arrays[name], 1) for name in ("vector", "sound"))
            return cls(vector=vector, sound=sound, **about)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: is a damaged voice file ({error})") from error


AnyVoice = Voice | GeneratedVoice


def load_voice(path: str | os.PathLike[str]) -> AnyVoice:
    """A saved voice of either kind; any other file is an `InputError`."""
    kind = GeneratedVoice if _read(path)[0].get("format") == _GENERATED else Voice
    return kind.load(path)


@dataclass(frozen=True)
class Speech:
    """Converted speech.

    Attributes:
        samples: (N,) float32, without the watermark, which `save` adds.
        sample_rate: Sample rate in Hz.
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


def _write(path: str | os.PathLike[str], arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    with replacing(Path(path)) as temporary:
        save_file({name: np.ascontiguousarray(one, np.float32) for name, one in arrays.items()}, temporary, metadata)


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    try:
        with readable(path, "voice file") as whole, safe_open(whole, "np") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError) as error:  # TypeError: numbers that NumPy does not have
        raise InputError(f"{path}: cannot be read as a voice file ({error})") from error


def _sound_array(path: str | os.PathLike[str], name: str, array: np.ndarray, dimensions: int) -> np.ndarray:
    """The array, unless it is damaged."""
    empty = dimensions == 1 and not array.size
    if array.ndim != dimensions or array.dtype != np.float32 or empty or not np.isfinite(array).all():
        raise InputError(f"{path}: is a damaged voice file ({name} of {array.dtype} {array.shape})")
    return array

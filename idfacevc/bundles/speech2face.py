"""A bundle of Speech2Face: `config.json`, and in `speech2face.safetensors` the voice encoder and the face decoder.

The face side (detector, crop, tower) is another bundle's; `tower` is the fingerprint of the one whose features the
encoder foretells.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from idfacevc.bundles.model import CONFIG_FILE, SPEECH2FACE_FILE, read_config, write_config
from idfacevc.bundles.tensors import checked_state, shapes_of, undrawn
from idfacevc.errors import InputError
from idfacevc.files import readable, replacing
from idfacevc.models.speech2face.decoder import FaceDecoder, FaceDecoderSpec
from idfacevc.models.speech2face.encoder import AnyVoiceSpec, VoiceEncoder, voice_encoder
from idfacevc.models.speech2face.speaker import SpeakerVoiceEncoder

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Speech2FaceSpec:
    """`config.json`.

    Attributes:
        name: What reports call the bundle.
        tower: Fingerprint of the face tower whose features the encoder foretells.
        voice, decoder: Sizes of the two networks; the encoder's outputs are the decoder's inputs.
        format: Of this file; other numbers are refused.
    """

    name: str
    tower: str
    voice: AnyVoiceSpec
    decoder: FaceDecoderSpec
    format: Literal["speech2face-1"] = "speech2face-1"

    def __post_init__(self) -> None:
        if self.voice.outputs != self.decoder.inputs:
            raise InputError(f"the encoder gives {self.voice.outputs} numbers, the decoder reads {self.decoder.inputs}")


@dataclass(frozen=True)
class Speech2FaceBundle:
    """A loaded bundle, in evaluation mode."""

    spec: Speech2FaceSpec
    voice: VoiceEncoder | SpeakerVoiceEncoder
    decoder: FaceDecoder


def save_speech2face(folder: str | os.PathLike[str], bundle: Speech2FaceBundle) -> None:
    """Write a bundle in half precision; its files appear under their names when both are complete."""
    tensors = {
        f"{name}.{key}": (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name in ("voice", "decoder")
        for key, value in getattr(bundle, name).state_dict().items()
    }
    target = Path(folder)
    with ExitStack() as files:
        write_config(bundle.spec, files.enter_context(replacing(target / CONFIG_FILE)))
        save_file(tensors, files.enter_context(replacing(target / SPEECH2FACE_FILE)))


def load_speech2face(folder: str | os.PathLike[str]) -> Speech2FaceBundle:
    """Read a bundle's folder strictly.

    Raises:
        InputError: for a damaged file, an unknown key or format, and tensors that do not fit `config.json`.
    """
    source = Path(folder)
    spec = read_config(Speech2FaceSpec, source / CONFIG_FILE)
    path = source / SPEECH2FACE_FILE
    try:
        with readable(path, "file of weights") as file:
            tensors = load_file(file)
    except SafetensorError as error:
        raise InputError(f"{path}: is damaged or not a safetensors file ({error})") from error
    known = ("voice.", "decoder.")
    if other := [key for key in tensors if not key.startswith(known)]:
        raise InputError(f"{path}: holds unknown tensors: {', '.join(sorted(other)[:3])}")
    voice = _module(lambda: voice_encoder(spec.voice), tensors, "voice.", path)
    return Speech2FaceBundle(spec, voice, _module(lambda: FaceDecoder(spec.decoder), tensors, "decoder.", path))


def _module(build: Callable[[], M], tensors: dict[str, Tensor], prefix: str, path: Path) -> M:
    state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    try:
        wanted = shapes_of(build)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:  # sizes that fit no network
        raise InputError(f"{path.parent}: the sizes of config.json make no network ({error})") from error
    checked_state(wanted, state, path)
    module = undrawn(build)
    module.load_state_dict(state)
    return module.eval()

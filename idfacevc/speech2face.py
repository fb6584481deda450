"""Speech2Face (Oh et al., CVPR 2019): what face fits a voice. It draws an average of people, never the speaker."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from idfacevc.audio.io import AudioSource
from idfacevc.audio.speech import first_speech
from idfacevc.backbones.tower import FaceTower
from idfacevc.bundles import model as checkpoints
from idfacevc.bundles.speech2face import Speech2FaceBundle, load_speech2face
from idfacevc.bundles.vclip import fingerprint
from idfacevc.errors import InputError
from idfacevc.face.image import VIDEO_SUFFIXES
from idfacevc.face.reader import FaceReader, FaceSource
from idfacevc.files import replacing
from idfacevc.models.speech2face.face_side import feature_of
from idfacevc.models.speech2face.front_end import RATE, SECONDS
from idfacevc.threads import few_threads

DEFAULT = "speech2face"
SENTENCE = "A plausible average face of people with similar voices. It shows nobody, and not the speaker."
_FORMAT = "idfacevc-face-feature-1"
_SIDE, _MARGIN, _LETTERS = 384, 12, 16  # of a saved picture, in pixels
_PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})


@dataclass(frozen=True)
class DrawnFace:
    """The face that fits a voice.

    Attributes:
        image: RGB, as small as the decoder draws it.
        feature: (D,) the face feature that was heard, float32.
        seconds: Speech that was heard.
    """

    image: Image.Image
    feature: np.ndarray
    seconds: float

    def framed(self) -> Image.Image:
        """The picture, enlarged, with `SENTENCE` in the margin below."""
        font = ImageFont.load_default(_LETTERS)
        lines = textwrap.wrap(SENTENCE, _SIDE // (_LETTERS // 2))
        height = _SIDE + 2 * _MARGIN + len(lines) * (_LETTERS + 4)
        out = Image.new("RGB", (_SIDE, height), "white")
        out.paste(self.image.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), (0, 0))
        ImageDraw.Draw(out).multiline_text((_MARGIN, _SIDE + _MARGIN), "\n".join(lines), "black", font, spacing=4)
        return out

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a PNG with `SENTENCE` in its margin and its metadata; other suffixes are an `InputError`."""
        if Path(path).suffix.lower() != ".png":
            raise InputError(f"{os.fspath(path)}: the face is saved as .png")
        about = PngInfo()
        about.add_text("Description", SENTENCE)
        about.add_text("Software", "idfacevc, Speech2Face; synthetic")
        with replacing(Path(path)) as temporary:
            self.framed().save(temporary, "PNG", pnginfo=about)

    def save_features(self, path: str | os.PathLike[str]) -> None:
        """Write the feature as a safetensors file."""
        if Path(path).suffix != ".safetensors":
            raise InputError(f"{os.fspath(path)}: features are saved as .safetensors")
        about = {"format": _FORMAT, "about": SENTENCE}
        with replacing(Path(path)) as temporary:
            save_file({"feature": self.feature}, temporary, about)


@dataclass(frozen=True)
class Fit:
    """How a portrait fits a voice: `angle` in degrees between the two features, the smaller the better."""

    path: Path
    angle: float


class Speech2Face:
    """A loaded bundle with the face side whose features it foretells; made by `from_pretrained`.

    Args:
        bundle: loaded.
        faces: detector, crop and backbone.
        tower: the face tower.
    Raises:
        InputError: for a tower other than the one of the training.
    """

    def __init__(self, bundle: Speech2FaceBundle, faces: FaceReader, tower: FaceTower | None) -> None:
        if tower is None or fingerprint(tower) != bundle.spec.tower:
            raise InputError(f"bundle {bundle.spec.name} was trained with another face tower than the one given")
        self.bundle, self.faces, self.tower = bundle, faces, tower

    @classmethod
    def from_pretrained(
        cls, name: str | os.PathLike[str] = DEFAULT, face_side: str | os.PathLike[str] = checkpoints.DEFAULT
    ) -> Speech2Face:
        """Load a bundle, on the CPU.

        Args:
            name: of the bundle, its folder, or a hub id "owner/name".
            face_side: the bundle whose face tower is meant.
        """
        bundle = load_speech2face(checkpoints.resolve(name, "speech2face"))
        folder = checkpoints.resolve(face_side)
        spec = checkpoints.read_spec(folder)
        tower = checkpoints.load_face_tower(spec, folder)
        return cls(bundle, FaceReader(spec.model.face, tower), tower)

    def face(self, audio: AudioSource) -> DrawnFace:
        """The plausible average face of people whose voices are like the one in a recording.

        The first six seconds of speech are heard, pauses left out.

        Raises:
            InputError: for silence, less than a second of speech, and music or noise alone.
        """
        speech = first_speech(audio, SECONDS)
        return self.drawn(self.heard(speech), len(speech) / RATE)

    def feature(self, audio: AudioSource, seconds: float = SECONDS) -> np.ndarray:
        """Face feature (D,) of the first seconds of speech of a recording; errors are those of `face`."""
        return self.heard(first_speech(audio, seconds))

    @few_threads()
    @torch.inference_mode()
    def heard(self, speech: np.ndarray) -> np.ndarray:
        """Face feature (D,) of speech (N,) at 16 kHz; what is shorter than six seconds is repeated."""
        voice = self.bundle.voice
        return voice(voice.input_of(torch.from_numpy(speech)[None]))[0].numpy()

    @few_threads()
    @torch.inference_mode()
    def drawn(self, feature: np.ndarray, seconds: float = 0.0) -> DrawnFace:
        """The face that the decoder draws of a feature (D,)."""
        given = torch.from_numpy(feature)[None]
        pixels = (self.bundle.decoder(given)[0].permute(1, 2, 0) * 255).round().to(torch.uint8)
        return DrawnFace(Image.fromarray(pixels.numpy()), feature, seconds)

    @torch.inference_mode()
    def face_feature(
        self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None
    ) -> np.ndarray:
        """Feature (D,) of a true face, the mean over its pictures; arguments as of `IDFaceVC.voice_from_face`."""
        crops = self.faces.crops(face, aligned, strict, index)
        return feature_of(self.faces.backbone.tokens(crops)).mean(dim=0).numpy()

    def rank(self, feature: np.ndarray, portraits: Sequence[Path]) -> Iterator[Fit | InputError]:
        """How each portrait fits a heard feature (D,), in the order given; an error for one without a usable face."""
        for path in portraits:
            try:
                yield Fit(path, angle(feature, self.face_feature(path)))
            except InputError as error:
                yield error


def angle(first: np.ndarray, second: np.ndarray) -> float:
    """Between two vectors (D,), in degrees."""
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second) + 1e-12)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def portraits_of(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures and videos of a folder, by name.

    Raises:
        InputError: where there is no such folder, or none in it.
    """
    try:
        found = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in _PICTURES | VIDEO_SUFFIXES)
    except OSError as error:
        raise InputError(f"{os.fspath(folder)}: the gallery cannot be read ({error.strerror or error})") from error
    if not found:
        raise InputError(f"{os.fspath(folder)}: the gallery holds no pictures")
    return found

"""What the service asks of a model: voices for a face, and speech in a voice."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from idfacevc.api import IDFaceVC
from idfacevc.audio.io import AudioSource
from idfacevc.face.detect import FaceWarning
from idfacevc.types import Voice

EXAMPLE_PHOTO = Path(__file__).parent / "example.jpg"  # Eileen Collins, by NASA, public domain

_catching = threading.Lock()  # what catches warnings is one for the whole process


@dataclass(frozen=True)
class FaceVoices:
    """What a photo gave: the crop that was used, candidate voices, and what is wrong with the photo."""

    crop: Image.Image
    voices: list[Voice]
    warnings: list[str]


class Model:
    """A loaded checkpoint, as the service uses it.

    Args:
        vc: the checkpoint.
        base_speaker: that says texts, of `IDFaceVC.convert`.
    """

    most_candidates = 1  # a face has one voice in these checkpoints

    def __init__(self, vc: IDFaceVC, base_speaker: str = "auto") -> None:
        self.vc = vc
        self.name = vc.spec.name
        self.sample_rate = vc.sample_rate
        self._base_speaker = base_speaker

    def warm_up(self) -> None:
        """Load what the first request would wait for: detector, backbone and base speaker."""
        (voice,) = self.voices(EXAMPLE_PHOTO, "the example", 1).voices
        list(self.speech(voice, text="Ready."))

    def voices(self, photo: Path, name: str, count: int) -> FaceVoices:
        """Candidate voices of a photo, at most `count`; messages call it `name`."""
        with _catching, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FaceWarning)
            crops = self.vc.faces.crops(photo)
        voices = [self.vc.voice_from_face(crops, aligned=True)]
        told = [str(one.message).replace(str(photo), name) for one in caught if one.category is FaceWarning]
        return FaceVoices(crops[0], voices[:count], told)

    def speech(
        self, voice: Voice, text: str | None = None, audio: AudioSource | None = None, **options: Any
    ) -> Iterator[np.ndarray]:
        """A text or a recording in a voice, in pieces (n,) float32, which what writes them marks."""
        if text is not None:
            options.setdefault("base_speaker", self._base_speaker)
        return self.vc.stream(voice, audio=audio, text=text, watermark=False, **options)

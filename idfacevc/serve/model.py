"""What the service asks of its models: voices for a face, and speech in a voice."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from idfacevc.api import IDFaceVC
from idfacevc.audio.io import AudioSource
from idfacevc.audio.loudness import levelled_in_parts
from idfacevc.audio.provenance import Provenance
from idfacevc.face.detect import FaceWarning
from idfacevc.pipeline.options import ConversionOptions
from idfacevc.types import AnyVoice, GeneratedVoice
from idfacevc.vclip import Vclip, spoken

EXAMPLE_PHOTO = Path(__file__).parent / "example.jpg"  # Eileen Collins, by NASA, public domain

_catching = threading.Lock()  # what catches warnings is one for the whole process


@dataclass(frozen=True)
class FaceVoices:
    """What a photo gave: the crop that was used, candidate voices, the best first, and what is wrong with the photo."""

    crop: Image.Image
    voices: list[AnyVoice]
    warnings: list[str]
    place: np.ndarray | None  # of the face in Vclip's association space, (D,)


@dataclass(frozen=True)
class Take:
    """Speech in a voice, without its mark, which what writes it adds.

    Attributes:
        pieces: (n,) float32; they may be made while they are taken.
        rate: in Hz.
        provenance: what a file of it says of where it came from.
    """

    pieces: Iterable[np.ndarray]
    rate: int
    provenance: Provenance


class Model:
    """The loaded weights, as the service uses them.

    Args:
        vc: the converter.
        base_speaker: that says texts, of `IDFaceVC.convert`.
        vclip: gives each face several voices and speaks English texts in them; None leaves one voice a face, and all
            speech to the converter.
    """

    def __init__(self, vc: IDFaceVC, base_speaker: str = "auto", vclip: Vclip | None = None) -> None:
        self.vc = vc
        self.vclip = vclip
        self.name = vc.spec.name
        self._base_speaker = base_speaker

    def warm_up(self) -> None:
        """Load what the first request would wait for: detector, backbone and speaker."""
        (voice,) = self.voices(EXAMPLE_PHOTO, "the example", 1).voices
        list(self.speech(voice, text="Ready.").pieces)

    def voices(self, photo: Path, name: str, count: int) -> FaceVoices:
        """Candidate voices of a photo, at most `count`; messages call it `name`."""
        with _catching, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FaceWarning)
            crops = self.vc.faces.crops(photo)
        told = [str(one.message).replace(str(photo), name) for one in caught if one.category is FaceWarning]
        if self.vclip is None:
            return FaceVoices(crops[0], [self.vc.voice_from_face(crops, aligned=True)], told, None)
        place = self.vclip.embed_face(crops, aligned=True)
        return FaceVoices(crops[0], [*self.vclip.voices_of(place, count)], told, place)

    def cast(self, found: Sequence[FaceVoices]) -> list[AnyVoice]:
        """One voice for each of several faces; with Vclip, such as differ from one another."""
        places = [one.place for one in found if one.place is not None]
        if self.vclip is None or not places:
            return [one.voices[0] for one in found]
        return [*self.vclip.cast(places)]

    def speech(
        self, voice: AnyVoice, text: str | None = None, audio: AudioSource | None = None, **options: Any
    ) -> Take:
        """A text or a recording in a voice; `options` are those of `IDFaceVC.convert`.

        Vclip speaks English texts in its own voices. The converter does the rest, also in Vclip's voices: it is driven
        by how they sound.
        """
        if isinstance(voice, GeneratedVoice):
            delivery = ConversionOptions(**options)
            if self.vclip is not None and text is not None and delivery.language.lower().split("-")[0] == "en":
                rate, loudness = self.vclip.sample_rate, delivery.target_loudness(None)
                pieces = spoken(voice, text, delivery, opening=True)
                pieces = pieces if loudness is None else levelled_in_parts(pieces, rate, loudness)
                return Take(pieces, rate, voice.provenance)
            voice = self.vc.voice_from_sound(voice.sound)
        if text is not None:
            options.setdefault("base_speaker", self._base_speaker)
        pieces = self.vc.stream(voice, audio=audio, text=text, watermark=False, **options)
        return Take(pieces, self.vc.sample_rate, self.vc.provenance(voice))

"""What is done for one clip alone and needs no network but the face detector's: decoding, mel, pitch, face crops."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from idfacevc.audio.io import SHORTEST_SECONDS, load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.backbones.base import SpeechBackbone
from idfacevc.config.face import FaceSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.data.corpora.item import MEMBER, Item, audio_source, open_member
from idfacevc.data.video import read_media
from idfacevc.errors import InputError
from idfacevc.face.image import is_video, load_image
from idfacevc.face.reader import FaceReader

TRIM_DB = 60
PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
SPEECH_RATE = 16000  # Hz, of the sound that speech backbones get, whatever the front end's rate


@dataclass(frozen=True)
class Reading:
    """What was read of a clip.

    Attributes:
        item: the clip.
        arrays: mel (T, M) and lf0 (T,), leading and trailing silence trimmed; empty without audio.
        speech: Input of the speech backbone; None without audio or backbone.
        crops: Crops of the face; empty without one.
    """

    item: Item
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    speech: Any = None
    crops: list[Image.Image] = field(default_factory=list)


class ItemReader:
    """Reads clips.

    Args:
        front_end: the mel front end.
        speech: Backbone that preprocesses the sound; None reads no speech.
        faces: Cuts faces out; None reads no faces.
    """

    def __init__(self, front_end: FrontEndSpec, speech: SpeechBackbone | None, faces: FaceReader | None) -> None:
        self.front_end, self.speech, self.faces = front_end, speech, faces
        self.log_mel = LogMel(front_end)

    def __call__(self, item: Item) -> Reading:
        """Raises InputError or OSError for files that cannot be used."""
        rate = self.front_end.sample_rate
        if self.faces is not None and item.face and item.face == item.audio and is_video(item.face):
            wav, frames = read_media(item.face, rate, self.faces.spec.max_frames)
            crops = frames if item.aligned else self.faces.frame_crops(frames, item.face)
            return Reading(item, *self._sound(item, wav), crops)
        arrays, speech = self._sound(item, load_audio(audio_source(item.audio), rate)) if item.audio else ({}, None)
        return Reading(item, arrays, speech, self._crops(item) if self.faces is not None and item.face else [])

    def _sound(self, item: Item, wav: np.ndarray) -> tuple[dict[str, np.ndarray], Any]:
        import librosa

        wav, _ = librosa.effects.trim(wav, top_db=TRIM_DB)
        rate = self.front_end.sample_rate
        if len(wav) < SHORTEST_SECONDS * rate:
            raise InputError(f"{item.id}: less than {SHORTEST_SECONDS} s of sound")
        arrays = {
            "mel": self.log_mel(torch.from_numpy(wav)[None])[0].T.numpy(),
            "lf0": log_f0(wav, self.front_end),
        }
        return arrays, None if self.speech is None else speech_input(self.speech, wav, rate)

    def _crops(self, item: Item) -> list[Image.Image]:
        assert self.faces is not None
        if MEMBER in item.face:
            return self.faces.crops(Image.open(open_member(item.face)), aligned=item.aligned)
        if not Path(item.face).is_dir():
            return self.faces.crops(item.face, aligned=item.aligned)
        pictures = pictures_of(Path(item.face), self.faces.spec.max_frames)
        return pictures if item.aligned else self.faces.frame_crops(pictures, item.face)


def pictures_of(folder: Path, count: int) -> list[Image.Image]:
    """At most `count` pictures of a folder, evenly spread over their sorted names."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    if not files:
        raise InputError(f"{folder}: holds no pictures")
    picked = np.linspace(0, len(files) - 1, min(count, len(files))).round().astype(int)
    return [load_image(files[index]) for index in picked]


def speech_input(backbone: SpeechBackbone, wav: np.ndarray, sample_rate: int) -> Any:
    """What a speech backbone reads of a wave (N,); at `SPEECH_RATE`, so that training and inference agree."""
    heard = wav if sample_rate == SPEECH_RATE else load_audio((wav, sample_rate), SPEECH_RATE)
    return backbone.preprocess(heard, SPEECH_RATE)


def face_reader(spec: FaceSpec, tower: str, device: torch.device | str) -> FaceReader:
    """The detector, crop and backbone of a configuration; `tower` is the folder of the face tower, where that is it."""
    from idfacevc.backbones.tower import load_tower

    return FaceReader(spec, load_tower(Path(tower)) if spec.backbone.kind == "tower" else None, device)

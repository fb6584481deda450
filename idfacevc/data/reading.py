"""What is done for one clip alone and needs no network but the face detector's: decoding, mel, pitch, face crops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.model import FaceSpec, SpeechSpec
from idfacevc.data.corpora.item import MEMBER, Item, audio_source, open_member
from idfacevc.data.video import read_media
from idfacevc.errors import InputError
from idfacevc.face.image import is_video, load_image
from idfacevc.face.reader import FaceReader

TRIM_DB = 60
PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
SPEECH_RATE = 16000  # Hz, of what the speech networks hear, whatever the front end's rate


@dataclass(frozen=True)
class Reading:
    """What was read of a clip.

    Attributes:
        item: the clip.
        arrays: mel (T, M) and lf0 (T,), leading and trailing silence trimmed; empty without audio.
        speech: what the speech network takes, as the reader's `hear` made it; None without audio or network.
        crops: of the face; empty without one.
    """

    item: Item
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    speech: Any = None
    crops: list[Image.Image] = field(default_factory=list)


class ItemReader:
    """Reads clips.

    Args:
        front_end: the mel front end.
        hear: turns a wave (N,) at `SPEECH_RATE` into what the speech network takes; None where there is none.
        faces: cuts faces out; None reads no faces.
    """

    def __init__(
        self, front_end: FrontEndSpec, hear: Callable[[np.ndarray], Any] | None, faces: FaceReader | None
    ) -> None:
        self.front_end, self.hear, self.faces = front_end, hear, faces
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
        if len(wav) < 0.3 * rate:
            raise InputError(f"{item.id}: less than 0.3 s of sound")
        arrays = {
            "mel": self.log_mel(torch.from_numpy(wav)[None])[0].T.numpy(),
            "lf0": log_f0(wav, self.front_end),
        }
        if self.hear is None:
            return arrays, None
        return arrays, self.hear(wav if rate == SPEECH_RATE else load_audio((wav, rate), SPEECH_RATE))

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


def hearing(spec: SpeechSpec) -> Callable[[np.ndarray], Any]:
    """What a speech network takes of wav (N,) at `SPEECH_RATE`: CLAP a log-mel, Resemblyzer the wave without pauses."""
    if spec.kind == "clap_safpq":
        from idfacevc.backbones.clap import ClapInput

        reads = ClapInput(spec)
        return lambda wav: reads(wav, SPEECH_RATE)
    from resemblyzer import preprocess_wav

    return lambda wav: preprocess_wav(wav, source_sr=SPEECH_RATE)


def face_reader(spec: FaceSpec, tower: str, device: torch.device | str) -> FaceReader:
    """The detector, crop and backbone of a configuration; `tower` is the folder of the face tower, where that is it."""
    from idfacevc.backbones.tower import load_tower

    return FaceReader(spec, load_tower(Path(tower)) if spec.backbone == "tower" else None, device)

"""From an item's files to its features: mel, log-F0, speaker features, face tokens."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.config import FaceSpec, FrontEndSpec, SpeechSpec
from idfacevc.data.faces import augment
from idfacevc.data.items import MEMBER, Item, audio_source, open_member
from idfacevc.errors import InputError
from idfacevc.face.reader import FaceReader
from idfacevc.face.tower import load_tower

TRIM_DB = 60
UNREADABLE = (InputError, OSError, KeyError)
_SPEECH_RATE = 16000
_BATCH = 32
_FACE_PIXELS = 80  # crops are augmented at this size, that of the tower's own training material


@dataclass(frozen=True)
class FeatureSpec:
    """What is extracted.

    Attributes:
        front_end: the mel front end.
        speech: speaker features: None for none, else those that the model's specification names.
        face: face backbone and crop; None reads no faces.
        tower: folder of the face tower, where that is the backbone.
        face_views: tokens kept of each face: the first of the plain crop, the others of augmented ones (tower only).
    """

    front_end: FrontEndSpec
    speech: SpeechSpec | None = None
    face: FaceSpec | None = None
    tower: str = ""
    face_views: int = 1


class FeatureExtractor:
    """Extracts the features of blocks of items; build one in each process."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self.log_mel = LogMel(spec.front_end)
        self._speech = _speech_features(spec.speech) if spec.speech else None
        self._faces = _FaceTokens(spec.face, spec.tower, spec.face_views) if spec.face else None

    def __call__(self, items: Sequence[Item]) -> tuple[list[tuple[Item, dict[str, np.ndarray]]], list[tuple[str, str]]]:
        """Items with their features, and (id, reason) of those that could not be read."""
        features: dict[str, dict[str, np.ndarray]] = {}
        rejected = []
        for item in items:
            try:
                features[item.id] = self.audio(item) if item.audio else {}
            except UNREADABLE as error:
                rejected.append((item.id, _reason(error)))
        if self._faces is not None:
            faces, faults = self._faces([item for item in items if item.face and item.id in features])
            rejected += faults
            for name, tokens in faces.items():
                features[name]["face"] = tokens
            for name, _ in faults:
                del features[name]
        return [(item, features[item.id]) for item in items if item.id in features], rejected

    def audio(self, item: Item) -> dict[str, np.ndarray]:
        """mel (T, M), lf0 (T,), speech (1, D) of the item's recording, leading and trailing silence trimmed."""
        import librosa

        wav = load_audio(audio_source(item.audio), self.spec.front_end.sample_rate)
        wav, _ = librosa.effects.trim(wav, top_db=TRIM_DB)
        if len(wav) < 0.3 * self.spec.front_end.sample_rate:
            raise InputError(f"{item.id}: less than 0.3 s of sound")
        mel = self.log_mel(torch.from_numpy(wav)[None])[0].T.numpy()
        features = {"mel": mel, "lf0": log_f0(wav, self.spec.front_end)}
        if self._speech is not None:
            rate = self.spec.front_end.sample_rate
            features["speech"] = self._speech(wav if rate == _SPEECH_RATE else load_audio((wav, rate), _SPEECH_RATE))
        return features


def _speech_features(spec: SpeechSpec) -> Callable[[np.ndarray], np.ndarray]:
    """Wave at 16 kHz to speaker features (P, D)."""
    if spec.kind == "clap_safpq":
        from idfacevc.models.clap import ClapTokens

        clap = ClapTokens(spec)
        return lambda wav: clap(wav, _SPEECH_RATE).numpy()
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)
    return lambda wav: encoder.embed_utterance(preprocess_wav(wav, source_sr=_SPEECH_RATE))[None]


class _FaceTokens:
    """Tokens of the faces of a block, in batches."""

    def __init__(self, spec: FaceSpec, tower: str, views: int) -> None:
        self.tower = load_tower(Path(tower)) if spec.backbone == "tower" else None
        if views > 1 and self.tower is None:
            raise InputError("augmented views are only for the tower backbone")
        self.reader = FaceReader(spec, self.tower)
        self.views = views

    @torch.inference_mode()
    def __call__(self, items: Sequence[Item]) -> tuple[dict[str, np.ndarray], list[tuple[str, str]]]:
        """{item id: (V, P, D)}, and (id, reason) of those without a usable face."""
        crops, rejected = {}, []
        for item in items:
            try:
                source: Any = Image.open(open_member(item.face)) if MEMBER in item.face else item.face
                crops[item.id] = self.reader.crops(source, aligned=item.aligned)
            except UNREADABLE as error:
                rejected.append((item.id, _reason(error)))
        if not crops:
            return {}, rejected
        counts = [len(own) for own in crops.values()]
        images = [crop for own in crops.values() for crop in own]
        tokens = torch.cat([self.reader.backbone.tokens(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)])
        views = [[own.mean(dim=0)] for own in tokens.split(counts)]
        if self.views > 1:
            for own, more in zip(views, self._augmented([own[0] for own in crops.values()], items[0].id), strict=True):
                own += more
        return {name: torch.stack(own).numpy() for name, own in zip(crops, views, strict=True)}, rejected

    def _augmented(self, crops: list[Image.Image], name: str) -> list[tuple[Tensor, ...]]:
        assert self.tower is not None
        sized = [crop.resize((_FACE_PIXELS, _FACE_PIXELS), Image.Resampling.BICUBIC) for crop in crops]
        pixels = torch.stack([torch.from_numpy(np.array(crop)).permute(2, 0, 1) for crop in sized])
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        views = []
        for _ in range(self.views - 1):
            # small batches stay in the cache
            batches = augment(pixels, self.tower.image_size, generator).split(_BATCH)
            views.append(torch.cat([self.tower(batch) for batch in batches]))
        return list(zip(*views, strict=True))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())

"""From an item's files to its features: mel, log-F0, speaker features, face tokens."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.config import FrontEndSpec
from idfacevc.data.items import Item, audio_source, open_member
from idfacevc.errors import InputError

TRIM_DB = 60
_BATCH = 32
_FACE_PIXELS = 80  # crops are augmented at this size, that of the tower's own training material


@dataclass(frozen=True)
class FeatureSpec:
    """What is extracted.

    Attributes:
        front_end: the mel front end.
        speech: speaker features, "resemblyzer" (1, 256) or "none".
        face_tower: safetensors file of a trained face tower's bundle folder; empty reads no faces.
        face_views: tokens kept of each face: the first from the plain crop, others from augmented ones.
    """

    front_end: FrontEndSpec
    speech: Literal["resemblyzer", "none"] = "resemblyzer"
    face_tower: str = ""
    face_views: int = 1


class FeatureExtractor:
    """Extracts the features of blocks of items; build one in each process."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self.log_mel = LogMel(spec.front_end)
        self._speech = _Resemblyzer() if spec.speech == "resemblyzer" else None
        self._faces = _TowerTokens(spec.face_tower, spec.face_views) if spec.face_tower else None

    def __call__(
        self, items: Sequence[Item]
    ) -> tuple[list[tuple[Item, dict[str, np.ndarray]]], list[tuple[str, str]]]:
        """Items with their features, and (id, reason) of those that could not be read."""
        features: dict[str, dict[str, np.ndarray]] = {}
        rejected = []
        for item in items:
            try:
                features[item.id] = self.audio(item) if item.audio else {}
            except (InputError, OSError, KeyError) as error:
                rejected.append((item.id, " ".join(str(error).split())))
        done = [item for item in items if item.id in features]
        with_face = [item for item in done if item.face]
        if self._faces is not None and with_face:
            for item, tokens in zip(with_face, self._faces(with_face), strict=True):
                features[item.id]["face"] = tokens
        return [(item, features[item.id]) for item in done], rejected

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
            features["speech"] = self._speech(wav)
        return features


class _Resemblyzer:
    """Utterance embedding (1, 256) of a 16 kHz wave."""

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder

        self.encoder = VoiceEncoder("cpu", verbose=False)

    def __call__(self, wav: np.ndarray) -> np.ndarray:
        from resemblyzer import preprocess_wav

        return self.encoder.embed_utterance(preprocess_wav(wav, source_sr=16000))[None]


class _TowerTokens:
    """Tokens of aligned face crops, all of a block in one batch."""

    def __init__(self, bundle: str, views: int) -> None:
        from idfacevc.face.tower import load_tower

        self.tower = load_tower(Path(bundle)).eval()
        self.views = views

    @torch.inference_mode()
    def __call__(self, items: Sequence[Item]) -> list[np.ndarray]:
        """One (V, P, D) array an item."""
        from idfacevc.data.faces import augment, resize

        pixels = torch.stack([self._read(item) for item in items])
        size = self.tower.image_size
        views = [resize(pixels, size)]
        generator = torch.Generator().manual_seed(zlib.crc32(items[0].id.encode()))
        views += [augment(pixels, size, generator) for _ in range(self.views - 1)]
        # small batches stay in the cache
        batches = torch.cat(views).contiguous(memory_format=torch.channels_last).split(_BATCH)
        tokens = torch.cat([self.tower(batch) for batch in batches]).unflatten(0, (self.views, len(items)))
        return list(tokens.transpose(0, 1).numpy())

    def _read(self, item: Item) -> Tensor:
        from PIL import Image

        if not item.aligned:
            raise InputError(f"{item.id}: the face is not an aligned crop")
        with Image.open(open_member(item.face)) as image:
            picture = image.convert("RGB").resize((_FACE_PIXELS, _FACE_PIXELS), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.asarray(picture)).permute(2, 0, 1)

"""From clips to their features: mel, log-F0, speaker features, face tokens; the networks run in batches."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from idfacevc.backbones.registry import speech_backbone
from idfacevc.config.face import FaceSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.speech import SpeechSpec
from idfacevc.data.corpora.item import Item
from idfacevc.data.reading import ItemReader, Reading, face_reader
from idfacevc.errors import InputError
from idfacevc.face.augment import augment

_BATCH = 32  # crops at a time
_FACE_PIXELS = 80  # crops are augmented at this size, that of the tower's own training material
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENOMEM)

Features = dict[str, np.ndarray]


@dataclass(frozen=True)
class FeatureSpec:
    """What is extracted.

    Attributes:
        front_end: Mel front end.
        speech: Speech branch of the model, whose backbone reads the speech; None reads no speech.
        face: Face backbone and crop; None reads no faces.
        tower: Folder of the face tower, where that is the backbone.
        face_views: Views kept of each face: the first is the plain crop, the others are augmented (tower only).
    """

    front_end: FrontEndSpec
    speech: SpeechSpec | None = None
    face: FaceSpec | None = None
    tower: str = ""
    face_views: int = 1


class FeatureExtractor:
    """Extracts the features of blocks of items; build one in each process.

    Args:
        spec: Features to extract.
        device: Device of the networks; decoding and face detection stay on the CPU.
    """

    def __init__(self, spec: FeatureSpec, device: torch.device | str = "cpu") -> None:
        self._speech = speech_backbone(spec.speech, device) if spec.speech else None
        self._faces = _FaceTokens(spec, device) if spec.face else None
        self._read = ItemReader(spec.front_end, self._speech, None if self._faces is None else self._faces.reader)

    @torch.inference_mode()
    def __call__(
        self, items: Sequence[Item], progress: Callable[[], object] = lambda: None
    ) -> tuple[list[tuple[Item, Features]], list[tuple[str, str]]]:
        """Items with their features, and (id, reason) of those that could not be read.

        mel (T, M), lf0 (T,), speech (P, D), face (V, P, D) of V views. `progress` is called after each item.

        Raises:
            InputError: where the machine is at fault and not the clip: a full disk, no memory.
        """
        clips: list[tuple[Item, Features]] = []
        rejected = []
        waiting: list[Reading] = []
        for item in items:
            try:
                waiting.append(self._read(item))
            except Exception as error:  # decoders and detectors raise whatever they meet in a foreign file
                if isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_THE_MACHINE:
                    raise InputError(
                        f"the machine is at its limit ({_reason(error)}); finished shards stay: run the command again"
                    ) from error
                rejected.append((item.id, _reason(error)))
            progress()
            if sum(max(1, len(one.crops)) for one in waiting) >= _BATCH:  # few videos or many pictures
                clips += self._encode(waiting)
                waiting = []
        clips += self._encode(waiting)
        if self._faces is not None:
            self._faces.add_views(clips)
        return clips, rejected

    def _encode(self, readings: Sequence[Reading]) -> list[tuple[Item, Features]]:
        clips = [(one.item, dict(one.arrays)) for one in readings]
        if self._speech is not None:
            heard = [number for number, one in enumerate(readings) if one.speech is not None]
            tokens = self._speech.tokens([readings[i].speech for i in heard]).cpu().numpy() if heard else ()
            for number, own in zip(heard, tokens, strict=True):
                clips[number][1]["speech"] = own
        if self._faces is not None:
            shown = [number for number, one in enumerate(readings) if one.crops]
            for number, own in zip(shown, self._faces([readings[i].crops for i in shown]), strict=True):
                clips[number][1]["face"] = own
        return clips


class _FaceTokens:
    """Tokens of faces, each averaged over its crops, in batches; and of augmented views."""

    def __init__(self, spec: FeatureSpec, device: torch.device | str) -> None:
        assert spec.face is not None
        self.reader = face_reader(spec.face, spec.tower, device)
        self.views = spec.face_views
        self.each_frame = spec.face.frames == "random"
        self._tokens = self.reader.backbone.tokens  # weights that are missing show here, before any work
        self._plain: list[Image.Image] = []  # one crop of each face, for the views of the block
        if self.views > 1 and self.reader.tower is None:
            raise InputError("augmented views are only for the tower backbone")

    def __call__(self, faces: Sequence[Sequence[Image.Image]]) -> list[np.ndarray]:
        """(V, P, D) of each face: a view, or one a frame where frames are drawn at random."""
        crops = [crop for face in faces for crop in face]
        if not crops:
            return []
        batches = [crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH)]
        tokens = torch.cat([self._tokens(batch) for batch in batches])
        if self.views > 1:
            size = (_FACE_PIXELS, _FACE_PIXELS)
            self._plain += [face[0].resize(size, Image.Resampling.BICUBIC) for face in faces]
        frames = tokens.split([len(face) for face in faces])
        return [(own if self.each_frame else own.mean(dim=0, keepdim=True)).cpu().numpy() for own in frames]

    def add_views(self, clips: Sequence[tuple[Item, Features]]) -> None:
        """Put the augmented views of all faces since the last call behind their plain ones."""
        faces = [features for _, features in clips if "face" in features]
        plain, self._plain = self._plain, []
        tower = self.reader.tower
        if self.views == 1 or not faces or tower is None:
            return
        pixels = torch.stack([torch.from_numpy(np.array(crop)).permute(2, 0, 1) for crop in plain])
        generator = torch.Generator().manual_seed(zlib.crc32(clips[0][0].id.encode()))
        views = [torch.from_numpy(np.stack([features["face"][0] for features in faces]))]
        for _ in range(self.views - 1):
            batches = augment(pixels, tower.image_size, generator).split(_BATCH)
            device = next(tower.parameters()).device
            views.append(torch.cat([tower(batch.to(device)).cpu() for batch in batches]))
        for features, tokens in zip(faces, torch.stack(views, dim=1), strict=True):
            features["face"] = tokens.numpy()


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, (InputError, OSError)) else f"{type(error).__name__}: {text}"

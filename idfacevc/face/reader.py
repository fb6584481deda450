"""From pictures and videos of a person to the tokens of the face backbone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import cast

import torch
from PIL import Image
from torch import Tensor

from idfacevc.backbones.base import FaceBackbone
from idfacevc.backbones.registry import face_backbone
from idfacevc.backbones.tower import FaceTower
from idfacevc.config.face import FaceSpec
from idfacevc.errors import InputError
from idfacevc.face.crop import crop_face, framings
from idfacevc.face.detect import SMALLEST_SIDE, FaceDetector
from idfacevc.face.image import ImageSource, is_video, load_image, video_frames
from idfacevc.threads import few_threads

_LOOKED_AT = 16  # frames of a video in which its largest face is searched

FaceSource = ImageSource | Sequence[ImageSource]


def origin_of(face: FaceSource) -> str:
    """What a voice file says of the face that it was made of: the digests of its files, not their names."""
    sources = face if isinstance(face, (list, tuple)) else [face]
    files = [Path(one) for one in sources if isinstance(one, (str, PathLike)) and Path(one).is_file()]
    digests = [hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files]
    return " ".join(["face", *(f"sha256:{digest}" for digest in digests)])


class FaceReader:
    """Detector, crop and backbone of one configuration; the networks are loaded at their first use.

    Args:
        spec: Backbone and crop.
        tower: the bundle's, where the backbone is the tower.
        device: Device of the backbone.
    """

    def __init__(self, spec: FaceSpec, tower: FaceTower | None, device: torch.device | str = "cpu") -> None:
        self.spec = spec
        self.tower = tower
        self._device = device

    @cached_property
    def backbone(self) -> FaceBackbone:
        """The frozen backbone."""
        return face_backbone(self.spec, self.tower, self._device)

    @cached_property
    def detector(self) -> FaceDetector:
        """The one detector of all pictures."""
        return FaceDetector()

    def tokens(self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None) -> Tensor:
        """Tokens (P, D) averaged over the crops of `crops`, and over framings of each where the spec says so."""
        crops = self.crops(face, aligned, strict, index)
        if self.spec.framings:
            crops = [framed for crop in crops for framed in framings(crop)]
        return self.backbone.tokens(crops).mean(dim=0)

    @few_threads()
    def crops(
        self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None
    ) -> list[Image.Image]:
        """The crops that the backbone reads: one a picture, one a sampled video frame that shows a face.

        Args:
            face: file, image, array or video file, or a list of these, all of one person.
            aligned: the pictures already are crops framed as the backbone wants them; no face is searched.
            strict: several faces in a picture are an error instead of a warning.
            index: number of the face to use in each picture, from 0, the largest first; videos take the largest.
        Raises:
            InputError: for what is no picture, and a picture or video without a usable face.
        """
        if isinstance(face, (list, tuple)):
            if not face:
                raise InputError("no face was given")
            return [crop for one in face for crop in self._crops_of(one, aligned, strict, index)]
        return self._crops_of(cast(ImageSource, face), aligned, strict, index)

    def _crops_of(self, face: ImageSource, aligned: bool, strict: bool, index: int | None) -> list[Image.Image]:
        if is_video(face):
            return self._video_crops(face, aligned)
        image = load_image(face)
        if aligned:
            return [image]
        name = str(face) if isinstance(face, (str, PathLike)) else "the picture"
        return [crop_face(image, self.detector(image, name, strict, index), self.spec)]

    def _video_crops(self, path: str | PathLike[str], aligned: bool) -> list[Image.Image]:
        frames = list(video_frames(path, self.spec.max_frames))
        return frames if aligned else self.frame_crops(frames, str(path))

    def frame_crops(self, frames: Sequence[Image.Image], name: str) -> list[Image.Image]:
        """The crops of those of a video's frames that show a face: people turn away and walk out of the picture.

        Raises:
            InputError: where none does; `name` is what it calls the video.
        """
        crops = [
            crop_face(frame, face, self.spec)
            for frame, face in zip(frames, self.detector.largest(frames), strict=True)
            if face is not None
        ]
        if not crops:
            raise InputError(f"{name}: no face of at least {SMALLEST_SIDE} pixels in the frames looked at")
        return crops

    def largest_of_video(self, video: str | PathLike[str]) -> Image.Image:
        """The frame with the largest face of a video: one frame's, so that it is one person's.

        Raises:
            InputError: for a video without a face.
        """
        frames = list(video_frames(video, _LOOKED_AT))
        sizes = [0.0 if face is None else face.side for face in self.detector.largest(frames)]
        if not any(sizes):
            raise InputError(f"{video}: no face in the {len(frames)} frames looked at; give a picture with --face")
        return frames[sizes.index(max(sizes))]

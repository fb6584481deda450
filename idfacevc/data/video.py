"""Sound and pictures of one video file, in one pass over it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from idfacevc.audio.io import collect, mono_blocks, open_media
from idfacevc.errors import InputError
from idfacevc.face.image import frames_of
from idfacevc.files import readable


def read_media(path: str, rate: int, frames: int) -> tuple[np.ndarray, list[Image.Image]]:
    """The recording and at most `frames` evenly spread frames of a video.

    Sound is decoded as it is met; the compressed pictures wait in memory until their number is known, so the method is
    for clips, not for films.

    Returns:
        wav (N,) at `rate` Hz, as `audio.io.load_audio` gives it, and upright RGB frames.
    Raises:
        InputError: for a file that is missing, empty or damaged, that lacks sound or pictures, and for a recording that
            `load_audio` would refuse.
    """
    import av

    try:
        with readable(path, "video") as file, open_media(file) as container:
            if not container.streams.audio:
                raise InputError(f"{path}: holds no audio")
            if not container.streams.video:
                raise InputError(f"{path}: holds no pictures")
            pictures: list[Any] = []

            def sound() -> Iterator[Any]:
                for packet in container.demux(container.streams.audio[0], container.streams.video[0]):
                    if packet.stream.type == "audio":
                        yield packet
                    else:
                        pictures.append(packet)

            wav = collect(str(path), mono_blocks(sound(), rate), rate)
            return wav, list(frames_of(pictures, frames))
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: the video cannot be decoded ({reason})") from error

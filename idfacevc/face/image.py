"""Pictures and video frames as upright RGB images, whatever they come as."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from idfacevc.audio.io import open_media
from idfacevc.errors import InputError
from idfacevc.files import readable

ImageSource = str | os.PathLike[str] | Image.Image | np.ndarray

_WITHOUT_INDEX = ("mpeg", "mpegts", "mpegvideo")  # seeking there misses the first frames, or any
VIDEO_SUFFIXES = frozenset({".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"})


def load_image(source: ImageSource) -> Image.Image:
    """One upright 8-bit RGB image.

    EXIF orientation is applied; transparency is laid on white; grey, palette, CMYK and 16-bit pictures are converted.

    Args:
        source: a file that Pillow reads, an image, or an array (H, W), (H, W, 3) or (H, W, 4), integers or floats in
            [0, 1].
    Raises:
        InputError: for a file that is missing, empty, damaged or no picture, and an array of another shape.
    """
    if isinstance(source, np.ndarray):
        return _rgb(_from_array(source))
    if isinstance(source, Image.Image):
        return _rgb(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"a picture must be a file, an image or an array, not {type(source).__name__}")
    with readable(source, "picture") as path:
        try:
            with Image.open(path) as image:
                image.load()
                return _rgb(ImageOps.exif_transpose(image))
        except UnidentifiedImageError:
            raise InputError(f"{source}: is not a picture in a format that Pillow reads") from None
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise InputError(f"{source}: the picture cannot be decoded ({error})") from error


def is_video(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether `source` is a path with the suffix of a video."""
    return isinstance(source, (str, os.PathLike)) and Path(source).suffix.lower() in VIDEO_SUFFIXES


def video_frames(path: str | os.PathLike[str], count: int) -> Iterator[Image.Image]:
    """At most `count` frames, evenly spread over a video's first video stream."""
    import av

    try:
        with readable(path, "video") as file, open_media(file) as container:
            if not container.streams.video:
                raise InputError(f"{path}: holds no pictures")
            stream = container.streams.video[0]
            packets = [(packet.pts, packet.is_keyframe) for packet in container.demux(stream) if packet.size]
            times = [time for time, _ in packets if time is not None]
            if len(times) == len(packets) and container.format.name not in _WITHOUT_INDEX:
                keys = sorted(time for time, is_key in packets if is_key and time is not None)
                yield from _decode_at(container, stream, _spread(times, count), keys)
            else:
                yield from _decode_through(file, count)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: the video cannot be decoded ({reason})") from error


def _decode_through(file: Path, count: int) -> Iterator[Image.Image]:
    """Frames of a stream in which no time can be looked up: decoded from its start, once to count them."""
    with open_media(file) as container:
        total = sum(1 for _ in _frames(container.demux(container.streams.video[0])))
    wanted = set(_spread(range(total), count))
    with open_media(file) as container:
        frames = _frames(container.demux(container.streams.video[0]))
        yield from (_upright(frame) for index, frame in enumerate(frames) if index in wanted)


def _frames(packets: Iterable[Any]) -> Iterator[Any]:
    """All frames of packets; those that are damaged are left out."""
    import av

    for packet in packets:
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _decode_at(container: Any, stream: Any, wanted: list[int], keys: list[int]) -> Iterator[Image.Image]:
    """Frames at the wanted presentation times, decoding only from the key frame before each."""
    reached: int | None = None
    frames: Iterator[Any] = iter(())
    for time in wanted:
        key = max((key for key in keys if key <= time), default=None)
        if reached is None or (key is not None and key > reached):
            container.seek(time if key is None else key, stream=stream)
            frames = (frame for frame in container.decode(stream) if frame.pts is not None)
        for frame in frames:
            reached = frame.pts
            if frame.pts >= time:
                yield _upright(frame)
                break


def frames_of(packets: Sequence[Any], count: int) -> Iterator[Image.Image]:
    """The frames that `video_frames` picks, out of all packets of a video stream; those that are damaged are left out.

    For who has read the file already: nothing is read again, but every packet is decoded.
    """
    times = [packet.pts for packet in packets if packet.size]
    if None in times:
        frames = list(_frames(packets))
        yield from (_upright(frames[index]) for index in _spread(range(len(frames)), count))
        return
    wanted = set(_spread(times, count))
    yield from (_upright(frame) for frame in _frames(packets) if frame.pts in wanted)


def _spread(times: Iterable[int], count: int) -> list[int]:
    """At most `count` of the times, evenly spread, in order."""
    ordered = sorted(times)
    picked = np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int)
    return [ordered[index] for index in picked]


def _upright(frame: Any) -> Image.Image:
    image = frame.to_image()
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _from_array(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise InputError(f"a picture as an array must be (H, W), (H, W, 3) or (H, W, 4), not {pixels.shape}")
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
            raise InputError("a picture as an array of floats must hold numbers from 0 to 1")
        pixels = pixels * 255
    elif pixels.dtype.kind in "iu":
        pixels = pixels.astype(np.float64) * (255 / np.iinfo(pixels.dtype).max)
    else:
        raise InputError(f"a picture as an array must hold integers or floats, not {pixels.dtype}")
    rounded = np.clip(pixels, 0, 255).round().astype(np.uint8)
    return Image.fromarray(rounded[..., 0] if rounded.ndim == 3 and rounded.shape[2] == 1 else rounded)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")

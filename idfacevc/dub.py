"""The audio of a video made anew, in time with the pictures, which are copied as they are."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from idfacevc.audio.io import collect, decoded, mono_of_frames, open_media
from idfacevc.errors import InputError
from idfacevc.files import readable, replacing

_CODECS = {".mp4": "aac", ".m4v": "aac", ".mov": "aac", ".mkv": "aac", ".webm": "libopus"}
_CODED_RATE = 48000  # Hz; what every player takes
_OFF = Fraction(
    1, 100
)  # seconds that audio may stray from its time stamps before silence is put in or samples left out
_SILENCE = 1 << 16  # samples of silence at a time

ConvertSamples = Callable[[np.ndarray], Iterable[np.ndarray]]


def check_video_output(path: Path) -> None:
    """`InputError` for a name whose suffix is none of the containers that are written."""
    if path.suffix.lower() not in _CODECS:
        raise InputError(f"{path}: videos are written as {', '.join(_CODECS)}")


def dub(
    source: Path,
    target: Path,
    convert: ConvertSamples,
    rate: int,
    track: int = 0,
    tags: Mapping[str, str] | None = None,
) -> float:
    """Write a video with one of its audio tracks converted; all other streams are copied.

    The audio starts with the first stream, is filled with silence where the file has none, and follows the file's own
    time stamps, so that it stays in time however long the video is. It is decoded once, to memory or to a temporary
    file, and converted while the pictures are copied.

    Args:
        source: Video of any container.
        target: File to write: .mp4, .m4v, .mov, .mkv or .webm; appears when it is complete.
        convert: Function from mono samples (N,) at `rate` to pieces (n,) that are N samples together.
        rate: Sample rate in Hz.
        track: Number of the audio track, from 0.
        tags: Metadata beside the video's own.
    Returns:
        the seconds of audio that were converted.
    Raises:
        InputError: for what holds no pictures or no such track, cannot be decoded, or does not fit into the container.
    """
    check_video_output(target)
    with readable(source, "video") as file, _one_line(source):
        with open_media(file) as container:
            _check_streams(source, container, track)
            origin = Fraction(container.start_time or 0, av.time_base)
            frames = decoded(container.demux(container.streams.audio[track]))
            recording = collect(str(source), in_time(frames, origin, rate), rate)
        with open_media(file) as container, replacing(target) as temporary, _one_line(target):
            _write(container, temporary, track, origin, iter(convert(recording)), rate, tags or {})
    return len(recording) / rate


def in_time(frames: Iterable[Any], origin: Fraction, rate: int) -> Iterator[np.ndarray]:
    """Mono blocks at `rate` Hz in which each frame of a stream lies where its time stamp says, from `origin` on."""
    starts: list[Fraction] = []
    heard = Fraction(0)  # seconds since the latest start

    def run(frame: Any) -> int:
        nonlocal heard
        length = Fraction(frame.samples, frame.sample_rate)
        expected = starts[-1] + heard if starts else origin
        time = expected if frame.pts is None else frame.pts * frame.time_base
        if not starts or abs(time - expected) > _OFF:
            starts.append(time)
            heard = Fraction(0)
        heard += length
        return len(starts)

    made = 0
    for number, together in itertools.groupby(frames, run):
        missing = round((starts[number - 1] - origin) * rate) - made
        for size in _in_parts(max(0, missing)):
            yield np.zeros(size, np.float32)
            made += size
        for block in mono_of_frames(together, rate):
            dropped = min(max(0, -missing), len(block))
            missing += dropped
            yield block[dropped:]
            made += len(block) - dropped


def _in_parts(total: int) -> Iterator[int]:
    while total > 0:
        yield min(total, _SILENCE)
        total -= _SILENCE


def _check_streams(source: Path, container: Any, track: int) -> None:
    if not container.streams.video:
        raise InputError(f"{source}: holds no pictures; idfacevc convert takes recordings")
    count = len(container.streams.audio)
    if not count:
        raise InputError(f"{source}: holds no audio, and so nothing to say in another voice")
    if not 0 <= track < count:
        raise InputError(f"{source}: there is no audio track {track}; the tracks are 0 to {count - 1}")


def _write(
    container: Any,
    target: Path,
    track: int,
    origin: Fraction,
    pieces: Iterator[np.ndarray],
    rate: int,
    tags: Mapping[str, str],
) -> None:
    replaced = container.streams.audio[track]
    copied = [stream for stream in container.streams if stream.type in ("video", "audio") and stream is not replaced]
    with av.open(str(target), "w") as output:
        output.metadata.update({**container.metadata, **tags})
        voice: Any = output.add_stream(_CODECS[target.suffix.lower()], rate=_CODED_RATE, layout="mono")
        streams = {stream.index: output.add_stream_from_template(stream) for stream in copied}
        said = 0

        def speak_until(time: Fraction | None) -> None:
            """Encode what is said before that time; None: all of it."""
            nonlocal said
            while time is None or Fraction(said, rate) < time:
                piece = next(pieces, None)
                if piece is None:
                    return
                frame = av.AudioFrame.from_ndarray(np.clip(piece, -1, 1).astype(np.float32)[None], "flt", "mono")
                frame.sample_rate, frame.pts, frame.time_base = rate, said, Fraction(1, rate)
                said += len(piece)
                output.mux(voice.encode(frame))

        for packet in _with_times(container.demux(copied)):
            shift = round(origin / packet.time_base)
            packet.pts = (packet.dts if packet.pts is None else packet.pts) - shift
            packet.dts -= shift
            speak_until(packet.dts * packet.time_base)
            packet.stream = streams[packet.stream.index]
            output.mux(packet)
        speak_until(None)
        output.mux(voice.encode(None))


def _with_times(packets: Iterable[Any]) -> Iterator[Any]:
    """The packets that hold something; Matroska leaves out when the first ones are to be decoded."""
    waiting: dict[int, list[Any]] = {}
    for packet in packets:
        if not packet.size:  # the end of a stream
            continue
        untimed = waiting.setdefault(packet.stream.index, [])
        if packet.dts is None:
            untimed.append(packet)
            continue
        for back, earlier in enumerate(untimed):
            earlier.dts = packet.dts - (len(untimed) - back) * max(1, earlier.duration or 0)
            yield earlier
        untimed.clear()
        yield packet


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}; .mkv holds most codecs") from error

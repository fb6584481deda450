"""Samples that arrive in pieces, as the bytes of an audio format, each as soon as it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from idfacevc.audio.io import MARK
from idfacevc.errors import InputError

PCM_RATE = 24000  # of headerless samples, which cannot tell their rate


@dataclass(frozen=True)
class Format:
    """A format that can be streamed: its media type, and how FFmpeg calls container and codec."""

    media_type: str
    container: str
    codec: str
    options: dict[str, str]


FORMATS: dict[str, Format] = {
    "mp3": Format("audio/mpeg", "mp3", "libmp3lame", {"write_xing": "0"}),  # Xing's header is written at the end
    "opus": Format("audio/ogg", "ogg", "libopus", {"page_duration": "100000"}),
    "aac": Format("audio/aac", "adts", "aac", {}),
    "flac": Format("audio/flac", "flac", "flac", {}),
    "wav": Format("audio/wav", "wav", "pcm_s16le", {}),
    "pcm": Format("audio/pcm", "s16le", "pcm_s16le", {}),
}


def format_of(name: str) -> Format:
    """The format of that name; for an unknown one an `InputError`."""
    try:
        return FORMATS[name]
    except KeyError:
        raise InputError(f"unknown audio format {name!r}; there are: {', '.join(FORMATS)}") from None


def encoded(pieces: Iterable[np.ndarray], rate: int, name: str) -> Iterator[bytes]:
    """The bytes of a file whose samples arrive in pieces.

    Nothing is given out before the first piece is there, so that a fault until then can still be told.

    Args:
        pieces: (n,) floats within ±1; what lies outside is clipped.
        rate: in Hz.
        name: of the format, a key of `FORMATS`; "pcm" is 16-bit little-endian at 24 kHz without a header.
    Raises:
        InputError: for another name.
    """
    import av

    form = format_of(name)
    sink = _Sink()
    options = {"flush_packets": "1", **form.options}
    with av.open(sink, "w", format=form.container, container_options=options) as container:
        container.metadata["comment"] = MARK
        stream: Any = container.add_stream(form.codec, rate=PCM_RATE if name == "pcm" else rate, layout="mono")
        for piece in pieces:
            samples = np.ascontiguousarray(np.clip(piece, -1.0, 1.0), np.float32)
            frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
            if made := sink.taken():
                yield made
        container.mux(stream.encode(None))
    if made := sink.taken():
        yield made


class _Sink:
    """A file that can only be written, and from which what was written is taken."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken

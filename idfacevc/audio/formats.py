"""Audio formats that are written: their codecs, and a stream of samples as a file or as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from idfacevc.errors import InputError


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        container: FFmpeg's name of it.
        codec: FFmpeg's name of it.
        mime: media type.
        bit_rate: Bit rate in bit/s; None where nothing is lost.
        options: Options of the container.
        live: options of the container where nothing that was written can be changed any more.
        gain: undoes what the encoder does to the level.
        rate: Sample rate in Hz that all of it is brought to; None keeps the wave's.
    """

    container: str
    codec: str
    mime: str
    bit_rate: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)
    gain: float = 1.0
    rate: int | None = None


_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}
FORMATS = {
    "wav": Format("wav", "pcm_s16le", "audio/wav"),
    "flac": Format("flac", "flac", "audio/flac"),
    "mp3": Format("mp3", "libmp3lame", "audio/mpeg", 96_000, {"id3v2_version": "3"}, {"write_xing": "0"}, 1 / 0.95),
    "opus": Format("ogg", "libopus", "audio/ogg", 48_000, live={"page_duration": "100000"}),
    "m4a": Format("ipod", "aac", "audio/mp4", 96_000, live=_FRAGMENTS),
}
# formats without a place for metadata, which are streamed but not written to files
LIVE = FORMATS | {
    "aac": Format("adts", "aac", "audio/aac", 96_000),
    "pcm": Format("s16le", "pcm_s16le", "audio/pcm", rate=24_000),  # headerless; the rate is OpenAI's
}


def format_of(name: str, known: Mapping[str, Format] = FORMATS) -> Format:
    """The format of that name, such as "mp3"; `InputError` for one that is not among those known."""
    try:
        return known[name.lower().lstrip(".")]
    except KeyError:
        raise InputError(f"audio is written as {', '.join(known)}, not as {name or 'a name without suffix'}") from None


def write_live(pieces: Iterable[np.ndarray], rate: int, kind: Format, tags: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file while its samples arrive, for a reader that cannot go back; arguments as of `write`."""
    target = _Written()
    for _ in write(target, pieces, rate, kind, tags, live=True):
        if made := target.taken():
            yield made
    if made := target.taken():
        yield made


def write(
    target: Any,
    pieces: Iterable[np.ndarray],
    rate: int,
    kind: Format,
    tags: Mapping[str, str],
    live: bool = False,
) -> Iterator[int]:
    """Encode a wave, and yield how many samples of it each piece held.

    Args:
        target: file open for writing bytes.
        pieces: parts (n,) of the wave.
        rate: Sample rate in Hz. A codec that does not know it gets the next higher one.
        kind: Format of the file.
        tags: metadata.
        live: what was written is not changed any more.
    """
    import av

    options = {**kind.options, **({"flush_packets": "1", **kind.live} if live else {})}
    with av.open(target, "w", format=kind.container, container_options=options) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(kind.codec, rate=kind.rate or _rate(kind.codec, rate), layout="mono")
        if kind.bit_rate is not None:
            stream.bit_rate = kind.bit_rate
        if kind.container == "ogg":
            stream.metadata.update(tags)  # Ogg keeps them with the stream
        done = 0
        for piece in pieces:
            if not len(piece):
                continue
            container.mux(stream.encode(_frame(piece * np.float32(kind.gain), rate, done)))
            done += len(piece)
            yield len(piece)
        container.mux(stream.encode(None))


def _frame(piece: np.ndarray, rate: int, start: int) -> Any:
    import av

    whole = np.rint(np.clip(piece, -1.0, 1.0) * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(whole[None], "s16", "mono")
    frame.sample_rate, frame.pts = rate, start
    return frame


def _rate(codec: str, rate: int) -> int:
    """The lowest rate of a codec that holds all of `rate`."""
    import av

    rates = av.Codec(codec, "w").audio_rates or [rate]
    return min((one for one in rates if one >= rate), default=max(rates))


class _Written:
    """Bytes that were written and not yet taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)

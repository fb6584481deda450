"""The one place where a waveform leaves: marked, below full scale, in any format, and never half-written."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.audio import formats
from idfacevc.audio.formats import LIVE, Format, format_of
from idfacevc.audio.io import spooled
from idfacevc.audio.limiter import CEILING_DB, LOSSY_CEILING_DB, limited
from idfacevc.audio.loudness import LIVE_LOOK_AHEAD, LOOK_AHEAD, gain_to, integrated_loudness, levelled
from idfacevc.audio.manifest import SUFFIXES, Credentials
from idfacevc.audio.provenance import Provenance
from idfacevc.audio.watermark import watermarker
from idfacevc.errors import InputError
from idfacevc.files import check_writable, replacing

_BLOCK = 1 << 16
_CORRECTIONS = 6  # at most, of a gain whose peaks are limited
_CLOSE = 0.2  # LU
_LARGEST_STEP = 2.0  # where nearly all of a wave would be limited, louder is only more distorted


def save_audio(
    path: str | os.PathLike[str],
    samples: np.ndarray | Iterable[np.ndarray],
    rate: int,
    *,
    loudness: float | None = None,
    watermark: bool = True,
    provenance: Provenance | None = None,
    credentials: Credentials | None = None,
) -> int:
    """Write synthetic speech, in the format of the name's suffix.

    The file appears under its name only when it is complete. Its comment says that it is synthetic speech.

    Args:
        path: .wav, .flac, .mp3, .opus or .m4a.
        samples: (N,) float, or blocks of them as they arrive.
        rate: Sample rate in Hz.
        loudness: Loudness in LUFS that all of it is brought to; None leaves the level, and writes blocks as they come.
        watermark: put the inaudible mark into the samples.
        provenance: what the comment says beside.
        credentials: sign a C2PA manifest into the file.
    Returns:
        the number of samples written.
    Raises:
        InputError: for another suffix, a folder that cannot be written, or a watermarker that is missing.
    """
    target = check_output(path, signed=credentials is not None)
    if loudness is not None:
        samples = at_loudness(samples, rate, loudness)
    return _write(target, *_leaving(samples, rate, format_of(target.suffix), watermark, provenance), rate, credentials)


def save_recording(path: str | os.PathLike[str], samples: np.ndarray, rate: int) -> int:
    """Write a recording (N,) that is nobody's synthetic speech: as `save_audio` does, without a mark of any kind."""
    return _write(check_output(path), [samples], {}, rate)


def encode(
    samples: np.ndarray | Iterable[np.ndarray],
    rate: int,
    form: str,
    *,
    watermark: bool = True,
    provenance: Provenance | None = None,
) -> bytes:
    """What `save_audio` writes, as bytes; `form` is a key of `formats.FORMATS`, such as "mp3"."""
    kind = format_of(form)
    pieces, tags = _leaving(samples, rate, kind, watermark, provenance)
    buffer = io.BytesIO()
    for _ in formats.write(buffer, pieces, rate, kind, tags):
        pass
    return buffer.getvalue()


def encode_stream(
    pieces: Iterable[np.ndarray],
    rate: int,
    form: str,
    *,
    watermark: bool = True,
    provenance: Provenance | None = None,
) -> Iterator[bytes]:
    """What `encode` gives, in parts that come while `pieces` do, for a reader that cannot go back.

    Nothing comes before the first piece, so that a fault until then can still be told.
    `form` is a key of `formats.LIVE`.
    """
    kind = format_of(form, LIVE)
    marked, tags = _leaving(pieces, rate, kind, watermark, provenance)
    return formats.write_live(marked, rate, kind, tags)


def at_loudness(samples: np.ndarray | Iterable[np.ndarray], rate: int, target: float | None) -> Iterator[np.ndarray]:
    """All of a wave, (N,) or in blocks, brought to `target` LUFS and under the ceiling, in blocks (n,).

    It is heard twice: a wave of more than ten minutes lies in a temporary file meanwhile. Where the limiter would take
    more than a little off, the gain makes up for it.
    """
    wave = samples if isinstance(samples, np.ndarray) else spooled(samples, rate)
    if target is None:
        return limited(_blocks(wave, 1.0), rate)
    gain = gain_to(target, integrated_loudness(_blocks(wave, 1.0), rate))
    for _ in range(_CORRECTIONS):
        reached = integrated_loudness(limited(_blocks(wave, gain), rate), rate)
        if abs(target - reached) < _CLOSE or not np.isfinite(reached):
            break
        gain *= min(gain_to(target, reached), _LARGEST_STEP)
    return limited(_blocks(wave, gain), rate)


def streamed(
    pieces: Iterable[np.ndarray], rate: int, loudness: float | None, watermark: bool, live: bool = False
) -> Iterator[np.ndarray]:
    """A wave that is heard while it is made: near `loudness`, marked, and under the ceiling.

    Args:
        live: The wave itself is made while somebody speaks: its loudness is looked at less far ahead.
    """
    mark = watermarker() if watermark else None
    if loudness is not None:
        pieces = levelled(pieces, rate, loudness, LIVE_LOOK_AHEAD if live else LOOK_AHEAD)
    return limited(mark.mark(pieces, rate) if mark else pieces, rate)


def check_output(path: str | os.PathLike[str], signed: bool = False) -> Path:
    """The path of an audio file, if one can be written there as far as a look can tell; else an `InputError`.

    Args:
        signed: Whether it gets a C2PA manifest, which not every format can hold.
    """
    target = Path(path)
    try:
        format_of(target.suffix)
    except InputError as error:
        raise InputError(f"{target}: {error}") from None
    if signed and target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{target}: a C2PA manifest goes into {', '.join(sorted(SUFFIXES))} only")
    check_writable(target)
    return target


def _leaving(
    samples: np.ndarray | Iterable[np.ndarray], rate: int, kind: Format, watermark: bool, provenance: Provenance | None
) -> tuple[Iterator[np.ndarray], dict[str, str]]:
    """The marked wave under the ceiling of its format, and the metadata of its file."""
    mark = watermarker() if watermark else None
    pieces: Iterable[np.ndarray] = _blocks(samples, 1.0) if isinstance(samples, np.ndarray) else samples
    if mark is not None:
        pieces = mark.mark(pieces, rate)
    ceiling = CEILING_DB if kind.bit_rate is None else LOSSY_CEILING_DB
    return limited(pieces, rate, ceiling), (provenance or Provenance()).tags(mark.name if mark else "none")


def _write(
    target: Path,
    pieces: Iterable[np.ndarray],
    tags: dict[str, str],
    rate: int,
    credentials: Credentials | None = None,
) -> int:
    with replacing(target) as temporary:
        with _Sink(temporary) as file:
            written = 0
            for count in formats.write(file, pieces, rate, format_of(target.suffix), tags):
                written += count
                file.check()
            file.check()
        if credentials is not None:
            credentials.sign(temporary, tags["comment"])
    return written


class _Sink(io.BufferedWriter):
    """A file whose faults wait for `check`: an encoder that meets one prints it, and goes on to its own end."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "wb"))
        self._fault: OSError | None = None

    def check(self) -> None:
        """Raise what went wrong, a full disk for instance."""
        if self._fault is not None:
            raise self._fault

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self._fault = self._fault or error
            return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return super().seek(offset, whence)
        except OSError as error:
            self._fault = self._fault or error
            return offset


def _blocks(wave: np.ndarray, gain: float) -> Iterator[np.ndarray]:
    for start in range(0, len(wave), _BLOCK):
        yield wave[start : start + _BLOCK] * np.float32(gain)

"""Read any audio that FFmpeg reads, in bounded memory; put files in their place only when they are complete."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from idfacevc.audio.downmix import Downmix
from idfacevc.errors import InputError
from idfacevc.files import readable, temporary_room

AudioSource = str | os.PathLike[str] | tuple[np.ndarray, int]

AUDIO_SUFFIXES = frozenset(
    {".aac", ".aif", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4"}
    | {".oga", ".ogg", ".opus", ".wav", ".webm", ".wma"}
)
SHORTEST_SECONDS = 0.3
SILENT_PEAK = 1e-4  # -80 dB of full scale

_IN_MEMORY_SECONDS = 600
_BLOCK = 1 << 16


def load_audio(source: AudioSource, rate: int, seconds: float | None = None) -> np.ndarray:
    """A recording as mono float32 (N,) within ±1 at `rate` Hz.

    Decoding is by blocks. What lasts longer than ten minutes comes back as a memory map of a temporary file that goes
    with the array. Channels are weighed by ITU-R BS.775 (stereo is averaged); where they cancel, the loudest is
    taken. Sample rate and channels may change inside a file. The level changes only where the peak exceeds 1, by
    dividing by it.

    Args:
        source: a file or pipe of any container and codec that FFmpeg reads, or (samples, sample_rate), in either order,
            with float or integer samples (N,) or (N, C).
        rate: Sample rate in Hz.
        seconds: About how much to read, from the start; None reads all.

    Raises:
        InputError: for a file that is missing or is not audio, and for a recording that is shorter than 0.3 s, silent,
            or holds values that are not numbers.
    """
    name, chunks = _open(source, rate)
    return collect(name, chunks if seconds is None else _first(chunks, round(seconds * rate)), rate)


def _first(chunks: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    """Chunks until they hold enough samples."""
    for chunk in chunks:
        yield chunk
        samples -= len(chunk)
        if samples <= 0:
            return


def collect(name: str, chunks: Iterable[np.ndarray], rate: int) -> np.ndarray:
    """Blocks of mono samples at `rate` Hz as one recording; result and errors are those of `load_audio`.

    `name` is what the errors call it.
    """
    samples = spooled(chunks, rate)
    if len(samples) == 0:
        raise InputError(f"{name}: holds no audio samples")
    if len(samples) < SHORTEST_SECONDS * rate:
        raise InputError(f"{name}: lasts {len(samples) / rate:.2f} s, at least {SHORTEST_SECONDS} s are needed")
    blocks = [samples[start : start + _BLOCK] for start in range(0, len(samples), _BLOCK)]
    peak = float(np.max([np.abs(block).max() for block in blocks]))
    if not np.isfinite(peak):
        raise InputError(f"{name}: holds samples that are not finite numbers (NaN or infinity)")
    if peak < SILENT_PEAK:
        raise InputError(f"{name}: is silent (peak {peak:.1g} of full scale)")
    if peak > 1.0:
        for block in blocks:
            block /= peak
    return samples


def _open(source: AudioSource, rate: int) -> tuple[str, Iterator[np.ndarray]]:
    """What to call the source, and its mono blocks at `rate`."""
    if isinstance(source, tuple):
        samples, source_rate = _samples_and_rate(source)
        if not 1000 <= source_rate <= 768000:
            raise InputError(f"the recording's sample rate of {source_rate} Hz is out of range")
        return "the recording", _resample(_float_blocks(samples), source_rate, rate)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"a recording must be a file or a pair (samples, sample_rate), not {type(source).__name__}")
    return str(source), _decode(Path(source), rate)


def _samples_and_rate(pair: tuple[Any, ...]) -> tuple[np.ndarray, int]:
    """The two of a pair, whichever comes first."""
    if len(pair) != 2:
        raise InputError(f"a recording must be a pair (samples, sample_rate), not {len(pair)} things")
    samples, rate = pair if np.ndim(pair[1]) == 0 else pair[::-1]
    if np.ndim(rate) != 0 or isinstance(rate, str) or not np.isreal(rate) or not np.isfinite(rate):
        raise InputError("a recording must be a pair (samples, sample_rate) with one number as its rate")
    try:
        return np.asarray(samples), int(rate)
    except (TypeError, ValueError) as error:
        raise InputError(f"the recording's samples are no array of numbers ({error})") from error


def _float_blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Mono float32 blocks of samples (N,) or (N, C); integers are scaled by their type's range."""
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fiu":
        raise InputError(f"the recording must be numbers of shape (N,) or (N, C), not {samples.dtype} {samples.shape}")
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T  # (C, N): no recording has more channels than samples
    scale, offset = 1.0, 0.0
    if samples.dtype.kind in "iu":
        info = np.iinfo(samples.dtype)
        scale = (float(info.max) - float(info.min) + 1) / 2
        offset = info.min + scale  # 0 for signed types, the middle of the range for unsigned ones
    downmix = Downmix(1 if samples.ndim == 1 else samples.shape[1])
    for start in range(0, len(samples), _BLOCK):
        block = (samples[start : start + _BLOCK].astype(np.float64) - offset) / scale
        yield downmix(np.atleast_2d(block.T))


def _resample(blocks: Iterator[np.ndarray], source_rate: int, rate: int) -> Iterator[np.ndarray]:
    if source_rate == rate:
        yield from blocks
        return
    import av

    resampler = av.AudioResampler("flt", "mono", rate)
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(block[None], "flt", "mono")
        frame.sample_rate = source_rate
        yield from (out.to_ndarray()[0] for out in resampler.resample(frame))
    yield from (out.to_ndarray()[0] for out in resampler.resample(None))


def _decode(path: Path, rate: int) -> Iterator[np.ndarray]:
    """Mono blocks at `rate` of a file's first audio stream."""
    import av

    try:
        with readable(path, "recording") as file, open_media(file) as container:
            if not container.streams.audio:
                raise InputError(f"{path}: holds no audio")
            yield from mono_blocks(container.demux(container.streams.audio[0]), rate)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read as audio ({getattr(error, 'strerror', None) or error})") from error


def comment_of(path: str | os.PathLike[str]) -> str:
    """The comment in a file's metadata, empty where it has none; `InputError` for what FFmpeg cannot read."""
    import av

    try:
        with readable(path, "recording") as file, open_media(file) as container:
            found = {**container.metadata, **{key: s.metadata[key] for s in container.streams for key in s.metadata}}
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read as audio ({getattr(error, 'strerror', None) or error})") from error
    return next((value for key, value in found.items() if key.lower() == "comment"), "")


@contextmanager
def open_media(file: Path) -> Iterator[Any]:
    """PyAV's container of a file, whatever bytes its name consists of."""
    import av

    if str(file).isprintable():
        with av.open(str(file), metadata_errors="ignore") as container:
            yield container
    else:  # a name that is not UTF-8 cannot be handed to FFmpeg
        with file.open("rb") as handle, av.open(handle, metadata_errors="ignore") as container:
            yield container


def mono_blocks(packets: Iterable[Any], rate: int) -> Iterator[np.ndarray]:
    """Mono blocks at `rate` Hz of the packets of one audio stream; those that are damaged are left out."""
    return mono_of_frames(decoded(packets), rate)


def decoded(packets: Iterable[Any]) -> Iterator[Any]:
    """PyAV's frames of packets; those that are damaged are left out."""
    import av

    for packet in packets:
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def mono_of_frames(frames: Iterable[Any], rate: int) -> Iterator[np.ndarray]:
    """Mono blocks at `rate` Hz of decoded frames.

    Sample rate, channels and sample format may change from one frame to the next, as in joined files.
    """
    import av

    resampler: Any = None
    kind: tuple[Any, ...] | None = None
    downmix = Downmix(1)
    for frame in frames:
        found = (frame.layout.name, frame.sample_rate, frame.format.name)
        if found != kind:
            if resampler is not None:
                yield from (downmix(out.to_ndarray()) for out in resampler.resample(None))
            # not FFmpeg's own downmix to mono, which raises the level of floats by 3 dB
            resampler, kind = av.AudioResampler("fltp", frame.layout, rate), found
            names = [channel.name for channel in frame.layout.channels]
            downmix = Downmix(len(names), names)
            frame.pts = None  # a resampler would fill the time before with silence
        yield from (downmix(out.to_ndarray()) for out in resampler.resample(frame))
    if resampler is not None:
        yield from (downmix(out.to_ndarray()) for out in resampler.resample(None))


def spooled(pieces: Iterable[np.ndarray], rate: int) -> np.ndarray:
    """All pieces as one float32 array: in memory up to ten minutes, else a memory map of a temporary file."""
    chunks, limit = iter(pieces), _IN_MEMORY_SECONDS * rate
    kept: list[np.ndarray] = []
    total = 0
    for chunk in chunks:
        kept.append(chunk)
        total += len(chunk)
        if total > limit:
            return _spool(itertools.chain(kept, chunks))
    return np.concatenate(kept).astype(np.float32) if kept else np.zeros(0, np.float32)


def _spool(chunks: Iterable[np.ndarray]) -> np.ndarray:
    with temporary_room(), tempfile.TemporaryFile(prefix="idfacevc-") as file:
        for chunk in chunks:
            file.write(chunk.astype(np.float32).tobytes())
        file.flush()
        return np.memmap(file, np.float32, "r+")

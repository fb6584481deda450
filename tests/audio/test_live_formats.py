"""Formats that are streamed hold the same sound as the samples, and say what they are."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import av
import numpy as np
import pytest

from idfacevc.audio.formats import LIVE
from idfacevc.audio.output import encode_stream
from idfacevc.errors import InputError
from tests.conftest import RATE, vowels


def encoded(pieces: Iterable[np.ndarray], rate: int, form: str) -> Iterator[bytes]:
    return encode_stream(pieces, rate, form, watermark=False)


def decoded(data: bytes) -> np.ndarray:
    """All samples, mono, at `RATE`."""
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(io.BytesIO(data)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


@pytest.mark.parametrize("name", [name for name in LIVE if name != "pcm"])
def test_a_format_holds_the_samples(name: str) -> None:
    wave = vowels(2.0)
    pieces = list(encoded(np.split(wave, [4000, 4001, 20000]), RATE, name))
    assert len(pieces) >= 2 and all(pieces)  # it does not wait for the end
    heard = decoded(b"".join(pieces))
    assert len(wave) <= len(heard) + 400 and len(heard) < len(wave) + 4000
    level = np.correlate(heard, wave, "full" if len(heard) > len(wave) else "same").max() / np.square(wave).sum()
    assert level > 0.9
    if name in ("wav", "flac"):
        np.testing.assert_allclose(heard, wave, atol=2**-14)
    with av.open(io.BytesIO(b"".join(pieces))) as container:
        told = {**container.metadata, **container.streams.audio[0].metadata}
    if name != "aac":  # which has no place for words
        assert "Synthetic speech" in str(told)


def test_headerless_samples_are_16_bit_at_24_khz() -> None:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    samples = np.frombuffer(b"".join(encoded([wave], RATE, "pcm")), "<i2")
    assert abs(len(samples) - 24000) < 100
    spectrum = np.abs(np.fft.rfft(samples[:24000], 24000))
    assert spectrum.argmax() == 440


def test_a_fault_before_the_first_piece_comes_before_any_bytes() -> None:
    def broken() -> Iterator[np.ndarray]:
        raise InputError("nothing to say")
        yield

    with pytest.raises(InputError, match="nothing to say"):
        next(encoded(broken(), RATE, "wav"))


def test_an_unknown_format_lists_those_that_there_are() -> None:
    with pytest.raises(InputError, match="written as wav, flac, mp3, opus, m4a, aac, pcm, not as ogg"):
        next(encoded([vowels(1.0)], RATE, "ogg"))

"""Audio files in and out: formats, level, bounded memory, faults."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from idfacevc.audio import io
from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.files import replacing


def sine(seconds: float = 1.0, rate: int = 44100, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au", "caf"])
def test_formats_rates_and_channels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([sine(), sine()], axis=1), 44100)
    wave = load_audio(path, 16000)
    assert wave.dtype == np.float32
    assert abs(len(wave) - 16000) < 1000  # lossy codecs pad
    middle = wave[4000:12000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(8000)))
    assert spectrum.argmax() * 2 == pytest.approx(440, abs=2)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "DOUBLE", "ULAW"])
def test_sample_types(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, sine(rate=16000), 16000, subtype=subtype)
    np.testing.assert_allclose(load_audio(path, 16000), sine(rate=16000), atol=0.02)


def test_audio_of_a_video(tmp_path: Path) -> None:
    import av

    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray((sine(rate=16000)[None] * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(load_audio(path, 16000), sine(rate=16000), atol=1e-3)


def test_resampling_removes_what_the_new_rate_cannot_hold() -> None:
    assert np.abs(load_audio((sine(hertz=1000.0), 44100), 16000)[500:-500]).max() == pytest.approx(0.5, rel=0.01)
    high = load_audio((sine(hertz=12000.0) + sine(hertz=300.0) * 0.01, 44100), 16000)
    spectrum = np.abs(np.fft.rfft(high[1000:-1000] * np.hanning(len(high) - 2000)))
    assert spectrum.argmax() / len(spectrum) * 8000 == pytest.approx(300, abs=3)


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint8, np.float64])
def test_arrays_of_every_kind(kind: type) -> None:
    wave = sine(rate=16000)
    if np.issubdtype(kind, np.integer):
        info = np.iinfo(kind)
        given = (wave * (int(info.max) - int(info.min)) / 2 + (128 if kind is np.uint8 else 0)).astype(kind)
    else:
        given = wave.astype(kind)
    np.testing.assert_allclose(load_audio((given, 16000), 16000), wave, atol=0.01)
    np.testing.assert_array_equal(
        load_audio((np.stack([given, given]), 16000), 16000), load_audio((given, 16000), 16000)
    )


def test_level_changes_only_above_full_scale() -> None:
    assert np.abs(load_audio((sine(rate=16000) * 8, 16000), 16000)).max() == pytest.approx(1.0)
    assert np.abs(load_audio((sine(rate=16000) * 1.9, 16000), 16000)).max() == pytest.approx(0.95, abs=1e-3)


def test_channels_are_averaged() -> None:
    stereo = np.stack([sine(rate=16000), np.zeros(16000)], axis=1)
    np.testing.assert_allclose(load_audio((stereo, 16000), 16000), sine(rate=16000) / 2, atol=1e-6)


def test_long_recordings_are_spooled_and_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = sine(3.0, 16000) * 8
    expected = load_audio((wave, 16000), 16000)
    monkeypatch.setattr(io, "_IN_MEMORY_SECONDS", 1)
    spooled = load_audio((wave, 16000), 16000)
    assert isinstance(spooled, np.memmap)
    assert not isinstance(expected, np.memmap)
    np.testing.assert_array_equal(spooled, expected)


def test_damaged_packets_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tone.mp3"
    soundfile.write(path, sine(3.0), 44100)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    path.write_bytes(data)
    assert len(load_audio(path, 16000)) > 40000


def _faults(folder: Path) -> dict[str, Path]:
    files = {
        name: folder / name for name in ("empty.wav", "text.wav", "note.txt", "silent.wav", "short.wav", "nan.wav")
    }
    files["empty.wav"].touch()
    files["text.wav"].write_text("this is no recording " * 50)
    files["note.txt"].write_text("this is no recording " * 50)
    soundfile.write(files["silent.wav"], np.full(16000, 3e-5), 16000, subtype="FLOAT")
    soundfile.write(files["short.wav"], sine(0.29, 16000), 16000)
    broken = sine(1.0, 16000)
    broken[700] = np.nan
    soundfile.write(files["nan.wav"], broken, 16000, subtype="FLOAT")
    return files


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty.wav", "is empty"),
        ("text.wav", "cannot be read as audio"),
        ("note.txt", "no audio"),
        ("silent.wav", "silent"),
        ("short.wav", "0.29 s, at least 0.3 s"),
        ("nan.wav", "not finite"),
        ("missing.wav", "no such file"),
        ("", "is a folder"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_fault(tmp_path: Path, name: str, words: str) -> None:
    _faults(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        load_audio(tmp_path / name, 16000)
    assert str(tmp_path / name) in str(caught.value)


def test_arrays_that_cannot_be_used() -> None:
    for samples in (np.zeros(0), np.zeros((2, 2, 8000)), np.array(["a"] * 8000), np.ones(8000, bool)):
        with pytest.raises(InputError):
            load_audio((samples, 16000), 16000)
    with pytest.raises(InputError, match="sample rate"):
        load_audio((sine(), 0), 16000)


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]

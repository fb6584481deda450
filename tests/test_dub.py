"""Dubbed videos: the sound stays with its picture, the pictures stay as they are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.audio.watermark import watermarker
from idfacevc.cli.main import main
from idfacevc.dub import dub
from idfacevc.errors import InputError
from idfacevc.text.speakers.registry import base_speaker
from tests.conftest import RATE

AUDIO_RATE = 48000
FLASHES = (1.0, 3.52)  # seconds, at which a frame is white and a burst begins


def make_video(
    path: Path,
    codecs: tuple[str, str] = ("libx264", "aac"),
    late: float = 0.0,
    gap: bool = False,
    variable: bool = False,
    tracks: int = 1,
    seconds: float = 5.0,
    picture: Image.Image | None = None,
    wave: np.ndarray | None = None,
) -> Path:
    """A video whose flashes and bursts come together; `late` and `gap` leave time without any audio packet.

    `wave` (N,) at `AUDIO_RATE` is heard in place of the bursts.
    """
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream(codecs[0], rate=25)
        video.width, video.height = picture.size if picture else (64, 64)
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        sounds: list[Any] = [out.add_stream(codecs[1], rate=AUDIO_RATE, layout="stereo") for _ in range(tracks)]
        time = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
        chance = np.random.default_rng(0).standard_normal(len(time))
        bursts = sum(((time >= flash) & (time < flash + 0.05)) * 0.5 for flash in FLASHES)
        wave = (1e-3 + bursts) * np.clip(chance, -2, 2) if wave is None else wave
        for index in range(round(seconds * 25)):
            if variable and index % 25 in (3, 4, 11):
                continue
            shade = 255 if any(abs(index / 25 - flash) < 0.001 for flash in FLASHES) else 0
            image = picture or Image.new("RGB", (64, 64), (shade,) * 3)
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = index * 40, Fraction(1, 1000)
            out.mux(video.encode(frame))
        for number, sound in enumerate(sounds):
            for start in range(0, len(wave), 1024):
                at = start / AUDIO_RATE
                if at < late or (gap and 2.0 <= at < 3.0):
                    continue
                part = np.tile(wave[start : start + 1024] * (1 - 0.5 * number), (2, 1)).astype(np.float32)
                sample = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "stereo")
                sample.sample_rate, sample.pts, sample.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
                out.mux(sound.encode(sample))
            out.mux(sound.encode(None))
        out.mux(video.encode(None))
    return path


def flashes(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [
            float(frame.pts * frame.time_base)
            for frame in container.decode(video=0)
            if frame.to_ndarray(format="gray").mean() > 128
        ]


def bursts(path: Path, track: int = 0) -> list[float]:
    """When each loud part begins, by the time stamps of the audio."""
    found = []
    with av.open(str(path)) as container:
        samples: list[np.ndarray] = []
        times: list[np.ndarray] = []
        for frame in container.decode(audio=track):
            wave = frame.to_ndarray().astype(np.float64)
            wave = wave.reshape(-1, len(frame.layout.channels)).T if not frame.format.is_planar else wave
            samples.append(np.abs(wave[0]))
            times.append(float(frame.pts * frame.time_base) + np.arange(frame.samples) / frame.sample_rate)
    level, time = np.concatenate(samples), np.concatenate(times)
    last = -1.0
    for at in time[level > 0.1 * level.max()]:
        if at - last > 0.5:
            found.append(float(at))
        last = at
    return found


def same(samples: np.ndarray) -> Iterator[np.ndarray]:
    yield from np.array_split(samples, 17)


CASES = {
    "plain.mp4": {},
    "late.mp4": {"late": 0.5},
    "gap.mkv": {"gap": True},
    "variable.mov": {"variable": True},
    "stream.ts": {},
    "old.avi": {"codecs": ("mpeg4", "libmp3lame")},
    "web.webm": {"codecs": ("libvpx", "libopus")},
}


@pytest.fixture(scope="module")
def words() -> np.ndarray:
    """Words, (N,) at `AUDIO_RATE`."""
    said = base_speaker("espeak").synthesise("The birch canoe slid on the smooth planks.")
    return load_audio(said, AUDIO_RATE)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_the_mark_outlives_every_container(name: str, tmp_path: Path, words: np.ndarray) -> None:
    codecs = ("libvpx", "libopus") if name.endswith("webm") else ("libx264", "aac")
    source = make_video(tmp_path / f"in{Path(name).suffix}", codecs, seconds=2.0, wave=words)
    dub(source, tmp_path / name, lambda samples: watermarker().mark([samples], RATE), RATE)
    assert main(["detect", str(tmp_path / name)]) == 0
    assert main(["detect", str(source)]) == 1


@pytest.mark.slow
def test_an_hour_is_dubbed_in_bounded_memory(tmp_path: Path) -> None:
    source, rate = tmp_path / "long.mkv", 8000
    second = (1000 * np.sin(2 * np.pi * 100 * np.arange(rate) / rate)).astype(np.int16)[None]
    with av.open(str(source), "w") as out:
        video: Any = out.add_stream("mpeg4", rate=1)
        sound: Any = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        video.width = video.height = 32
        for number in range(3600):
            picture = av.VideoFrame(32, 32, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1)
            out.mux(video.encode(picture))
            frame = av.AudioFrame.from_ndarray(second, "s16", "mono")
            frame.sample_rate, frame.pts = rate, number * rate
            out.mux(sound.encode(frame))
        out.mux(video.encode(None))

    def in_blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(samples), RATE):
            yield samples[start : start + RATE]

    tracemalloc.start()
    try:
        assert dub(source, tmp_path / "out.mkv", in_blocks, RATE) == pytest.approx(3600, abs=0.1)
        assert tracemalloc.get_traced_memory()[1] < 50e6  # of 230 MB of samples
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", CASES)
def test_bursts_stay_with_flashes(name: str, tmp_path: Path) -> None:
    source = make_video(tmp_path / name, **CASES[name])
    target = tmp_path / f"dubbed{source.suffix if source.suffix in ('.mkv', '.mov', '.webm') else '.mp4'}"
    dub(source, target, same, RATE)
    seen, heard = flashes(target), bursts(target)
    assert len(seen) == len(heard) == len(FLASHES)
    for flash, burst, before, begun in zip(seen, heard, flashes(source), bursts(source), strict=True):
        assert abs((burst - flash) - (begun - before)) < 0.02
    if source.suffix == target.suffix == ".mp4":
        assert packets(source) == packets(target)
    assert {path.name for path in tmp_path.iterdir()} == {source.name, target.name}


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_one_track_of_several_is_converted(tmp_path: Path) -> None:
    source = make_video(tmp_path / "two.mkv", tracks=2)
    dub(source, tmp_path / "out.mkv", lambda samples: [0 * samples], RATE, track=1, tags={"comment": "Synthetic"})
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert len(container.streams.audio) == 2 and "Synthetic" in container.metadata["COMMENT"]
    levels = []
    for track in (0, 1):
        with av.open(str(tmp_path / "out.mkv")) as container:
            levels.append(max(np.abs(frame.to_ndarray()).max() for frame in container.decode(audio=track)))
    assert min(levels) < 1e-3 and max(levels) > 0.3


def test_what_cannot_be_dubbed_is_one_line(tmp_path: Path, speech_path: Path) -> None:
    mute, video, out = make_video(tmp_path / "mute.mp4", tracks=0), make_video(tmp_path / "v.mp4"), tmp_path / "out.mp4"
    for source, target, message in (
        (mute, out, "holds no audio"),
        (speech_path, out, "holds no pictures"),
        (tmp_path / "none.mp4", out, "no such file"),
        (Path(__file__), out, "test_dub.py"),
        (video, tmp_path / "out.gif", "videos are written as .mp4"),
        (video, tmp_path / "out.webm", ".mkv holds most codecs"),
    ):
        with pytest.raises(InputError, match=message) as error:
            dub(source, target, same, RATE)
        assert "\n" not in str(error.value)
        assert not target.exists()
    with pytest.raises(InputError, match="the tracks are 0 to 0"):
        dub(video, out, same, RATE, track=1)


def test_the_command(
    tmp_path: Path, tiny_bundle: Path, photo: Image.Image, words: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    wave = words[: 2 * AUDIO_RATE]
    source = make_video(tmp_path / "talk.mp4", seconds=2.0, picture=photo.resize((256, 256)), wave=wave)
    line = ["dub", str(source), "--checkpoint", str(tiny_bundle), "-o", str(tmp_path / "out.mp4"), "--face"]
    assert main([*line, "auto"]) == 0
    assert "2.0" in capfd.readouterr().out
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = container.streams.audio[0]
        assert abs(float(sound.duration * sound.time_base) - 2.0) < 0.1
    assert main(["detect", str(tmp_path / "out.mp4")]) == 0
    faceless = make_video(tmp_path / "dark.mp4", seconds=1.2)
    assert main([line[0], str(faceless), *line[2:], "auto"]) == 2
    assert "no face in the" in capfd.readouterr().err
    assert main([*line, "auto", "--speed", "1.5"]) == 2
    assert "keeps its time" in capfd.readouterr().err

"""Files that leave: every format, marked and within its level, complete or not there."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from idfacevc import __version__
from idfacevc.audio.formats import FORMATS
from idfacevc.audio.io import comment_of, load_audio
from idfacevc.audio.output import encode, encode_stream, save_audio, save_recording, streamed
from idfacevc.audio.provenance import MARK, Provenance, facts_of
from idfacevc.audio.watermark import MARKED, score
from idfacevc.errors import InputError
from tests.audio.test_loudness import RATE, true_peak

WHO = Provenance("ID-FaceVC", "demo 0123456789abcdef", "face sha256:abc")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_keeps_mark_level_length_and_comment(speech: np.ndarray, form: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"out.{form.upper()}"
    written = save_audio(path, np.array_split(speech, 7), RATE, loudness=-16.0, provenance=WHO)
    assert written == len(speech)
    assert os.listdir(path.parent) == [path.name]
    wave = load_audio(path, RATE)
    assert abs(len(wave) - len(speech)) <= 400
    assert score(wave) > 0.9
    assert pyloudnorm.Meter(RATE).integrated_loudness(wave.astype(np.float64)) == pytest.approx(-16.0, abs=1.0)
    assert true_peak(wave) <= -1.0
    facts = facts_of(comment_of(path))
    assert facts.pop("date").endswith("Z")
    assert facts == {
        "version": __version__,
        "system": WHO.system,
        "checkpoint": WHO.checkpoint,
        "voice": WHO.voice,
        "watermark": "perth",
    }


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rate", [16000, 22050])
def test_bytes_and_streams_of_bytes_hold_the_same_speech(
    speech: np.ndarray,
    form: str,
    rate: int,
    tmp_path: Path,
) -> None:
    wave = load_audio((speech[: 2 * RATE], RATE), rate)
    (tmp_path / f"whole.{form}").write_bytes(encode(wave, rate, form))
    parts = list(encode_stream(iter(np.array_split(wave, 9)), rate, form))
    (tmp_path / f"parts.{form}").write_bytes(b"".join(parts))
    for name in ("whole", "parts"):
        heard = load_audio(tmp_path / f"{name}.{form}", rate)
        assert abs(len(heard) - len(wave)) < 0.12 * rate
        assert score(load_audio((heard, rate), RATE)) > MARKED
        assert comment_of(tmp_path / f"{name}.{form}").startswith(MARK)


def test_without_watermark_the_comment_says_so_and_a_recording_has_no_comment(
    speech: np.ndarray, tmp_path: Path
) -> None:
    save_audio(tmp_path / "a.flac", speech, RATE, watermark=False)
    assert score(load_audio(tmp_path / "a.flac", RATE)) < 0.1
    assert facts_of(comment_of(tmp_path / "a.flac"))["watermark"] == "none"
    save_recording(tmp_path / "mine.wav", speech, RATE)
    mine = load_audio(tmp_path / "mine.wav", RATE)
    np.testing.assert_allclose(mine, np.clip(speech, -1, 1), atol=1e-4)
    assert comment_of(tmp_path / "mine.wav") == ""
    assert facts_of("a comment; date: today") == {}


def test_a_stream_is_marked_levelled_and_under_the_ceiling(speech: np.ndarray) -> None:
    pieces = list(streamed(np.array_split(speech * 0.01, 11), RATE, -20.0, watermark=True))
    wave = np.concatenate(pieces)
    assert len(wave) == len(speech) and len(pieces) > 1
    assert score(wave) > 0.9
    assert pyloudnorm.Meter(RATE).integrated_loudness(wave.astype(np.float64)) == pytest.approx(-20.0, abs=1.0)
    assert true_peak(wave) <= -1.0


def test_a_failed_stream_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "out.mp3"
    path.write_bytes(b"old")

    def pieces():
        yield np.zeros(100, np.float32)
        raise InputError("gone wrong")

    for options in ({}, {"loudness": -23.0}):
        with pytest.raises(InputError, match="gone wrong"):
            save_audio(path, pieces(), RATE, **options)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.mp3"]


def test_output_names_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tone = np.zeros(RATE, np.float32)
    for name, words in [
        ("a.ogg", "wav, flac, mp3, opus, m4a, not as .ogg"),
        ("a", "suffix"),
        ("file/a.wav", "written"),
    ]:
        with pytest.raises(InputError, match=words):
            save_audio(tmp_path / name, tone, RATE)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        save_audio(tmp_path / "folder.wav", tone, RATE)
    with pytest.raises(InputError, match="not as aiff"):
        encode(tone, RATE, "aiff")


def test_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9") / "out.opus"
    save_audio(path, np.zeros(RATE, np.float32), RATE)
    assert comment_of(path).startswith(MARK)
    assert io.BytesIO(path.read_bytes()).read(4) == b"OggS"

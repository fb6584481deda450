"""`idfacevc detect` on what the tool writes and on what it did not make."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from idfacevc.audio.io import load_audio
from idfacevc.audio.output import save_audio, save_recording
from idfacevc.audio.provenance import MARK
from idfacevc.cli.main import main
from idfacevc.text.speakers.registry import base_speaker

RATE = 16000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A marked file, a recording, a marked one that lost its comment, one without watermark, and a video."""
    folder = tmp_path_factory.mktemp("detect")
    wave = load_audio(base_speaker("espeak").synthesise("The birch canoe slid on the smooth planks."), RATE)
    save_audio(folder / "marked.mp3", wave, RATE)
    save_recording(folder / "mine.wav", wave, RATE)
    soundfile.write(folder / "stripped.wav", load_audio(folder / "marked.mp3", 8000), 8000)
    save_audio(folder / "plain.flac", wave, RATE, watermark=False)
    with av.open(str(folder / "video.mp4"), "w") as container:
        picture, sound = container.add_stream("mpeg4", rate=10), container.add_stream("aac", rate=RATE, layout="mono")
        picture.width = picture.height = 32
        container.mux(picture.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(load_audio(folder / "marked.mp3", RATE)[None], "fltp", "mono")
        frame.sample_rate = RATE
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return {path.stem: str(path) for path in folder.iterdir()}


@pytest.mark.parametrize(("name", "status"), [("marked", 0), ("stripped", 0), ("video", 0), ("mine", 1), ("plain", 1)])
def test_the_exit_status_is_the_verdict(
    files: dict[str, str], name: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "--json", files[name]]) == status
    (found,) = json.loads(capsys.readouterr().out)
    assert found["file"] == files[name]
    assert found["verdict"] == ("not marked" if status else "marked")
    assert (found["score"] > 0.5) == (status == 0)
    assert found["comment"].startswith(MARK) == (name in ("marked", "plain"))


def test_several_files_and_some_that_cannot_be_read(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", files["marked"], files["mine"]]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.endswith(("mp3", "wav"))] == ["marked", "not"]
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    assert main(["detect", str(tmp_path / "text.wav"), files["marked"], str(tmp_path / "silent.wav")]) == 2
    out, err = capsys.readouterr()
    assert "marked" in out
    assert len(err.splitlines()) == 2 and "is silent" in err

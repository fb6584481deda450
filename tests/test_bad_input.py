"""Every bad input: exit status 2, one line on stderr that names the fault, and no file left behind."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from safetensors.torch import load_file, save_file

from idfacevc.cli.main import main

RATE = 16000


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, photo: Image.Image, tiny_bundle: Path) -> Path:
    """A folder of every file that cannot be used."""
    folder = tmp_path_factory.mktemp("bad")
    Image.new("RGB", (300, 300), "olive").save(folder / "no-face.png")
    photo.save(folder / "whole.jpg")
    (folder / "corrupt.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:3000])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("not a picture")
    photo.resize((96, 96), Image.Resampling.LANCZOS).save(folder / "small.png")
    pair = Image.new("RGB", (1024, 512))
    pair.paste(photo, (0, 0))
    pair.paste(photo, (512, 0))
    pair.save(folder / "pair.png")

    tone = 0.3 * np.sin(np.arange(RATE) * 0.2)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("not a recording")
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "short.wav", tone[: RATE // 5], RATE)
    soundfile.write(folder / "nan.wav", np.where(np.arange(RATE) == 99, np.nan, tone), RATE, subtype="FLOAT")

    for name in ("tensors", "front-end", "truncated", "format"):
        shutil.copytree(tiny_bundle, folder / name)
    tensors = load_file(folder / "tensors" / "model.safetensors")
    del tensors["decoder.project.weight"]
    save_file(tensors, folder / "tensors" / "model.safetensors")
    config = json.loads((folder / "front-end" / "config.json").read_text())
    config["vocoder"]["front_end"]["sample_rate"] = 24000
    (folder / "front-end" / "config.json").write_text(json.dumps(config))
    weights = folder / "truncated" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    config["format"] = 9
    (folder / "format" / "config.json").write_text(json.dumps(config))
    (folder / "file").touch()
    return folder


CASES = {
    "no face": ("--face no-face.png", "no face found"),
    "corrupt picture": ("--face corrupt.jpg", "cannot be decoded"),
    "empty picture": ("--face empty.jpg", "is empty"),
    "no picture": ("--face text.jpg", "is not a picture"),
    "missing picture": ("--face absent.jpg", "no such file"),
    "small face": ("--face small.png", "face is too small, 19 pixels"),
    "several faces": ("--face pair.png --strict-face", "2 faces found"),
    "one bad face of two": ("--face whole.jpg --face no-face.png", "no-face.png: no face found"),
    "empty audio": ("--audio empty.wav", "is empty"),
    "silent audio": ("--audio silent.wav", "is silent"),
    "short audio": ("--audio short.wav", "lasts 0.20 s, at least 0.3 s"),
    "audio of NaN": ("--audio nan.wav", "not finite"),
    "no audio": ("--audio text.wav", "cannot be read as audio"),
    "picture as audio": ("--audio whole.jpg", "holds no audio"),
    "missing audio": ("--audio absent.wav", "no such file"),
    "empty text": ("--text=", "nothing that can be pronounced"),
    "unpronounceable text": ("--text ...!?", "nothing that can be pronounced"),
    "unknown checkpoint": ("--checkpoint demmo", "unknown checkpoint 'demmo'; here are: "),
    "unknown style": ("--style operatic", "unknown style 'operatic'; there are: neutral"),
    "unknown device": ("--device tpu", "unknown device 'tpu'; here are: auto, cpu"),
    "unknown language": ("--text hello --language xx", "'xx'"),
    "tensors": ("--checkpoint tensors", "missing decoder.project.weight"),
    "front end": ("--checkpoint front-end", "sample_rate 16000 and 24000"),
    "truncated": ("--checkpoint truncated", "is damaged"),
    "format": ("--checkpoint format", "9 is none of 2"),
    "folder that is a file": ("-o file/out.wav", "cannot be written"),
    "folder without permission": ("-o /proc/idfacevc/out.wav", "cannot be written"),
    "output is a folder": ("-o tensors/..", "audio is written as wav, flac, mp3, opus, m4a, not as a name"),
    "output of another format": ("-o out/out.ogv", "audio is written as wav, flac, mp3, opus, m4a, not as .ogv"),
    "figure of another format": ("--plot out/figure.wav", "figures are written as"),
    "figure in no folder": ("--plot file/figure.png", "cannot be written"),
    "speed": ("--speed 3", "speed 3 is out of range"),
    "style strength": ("--style-strength -1", "strength -1 is out of range"),
    "no number": ("--speed fast", "invalid float value: 'fast'"),
    "unknown option": ("--volume 3", "unrecognized arguments: --volume 3"),
}


def _line(words: str, bad: Path, defaults: dict[str, list[str]]) -> list[str]:
    """`convert` with `words` in place of the defaults; names of files are those in `bad`."""
    given = words.replace("=", " ").split(" ")
    replaced = {word for word in given if word.startswith("-")}
    if replaced & {"--audio", "--text"}:
        replaced |= {"--audio", "--text"}
    paths = {"--face", "--audio", "--checkpoint", "-o", "--plot"}
    resolved = [
        str(bad / word) if option in paths and word != "demmo" else word
        for option, word in zip(["", *given], given, strict=False)
    ]
    rest = [part for option, values in defaults.items() if option not in replaced for part in [option, *values]]
    return ["convert", *rest, *resolved]


@pytest.mark.parametrize("case", CASES)
def test_bad_input(
    case: str, bad: Path, tiny_bundle: Path, speech_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words, message = CASES[case]
    defaults = {
        "--face": [str(bad / "whole.jpg")],
        "--audio": [str(speech_path)],
        "--checkpoint": [str(tiny_bundle)],
        "-o": [str(tmp_path / "out.wav")],
    }
    before = sorted(bad.rglob("*"))
    assert main(_line(words, bad, defaults)) == 2
    captured = capfd.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("idfacevc: error: ")
    assert message in lines[0]
    assert captured.out == ""
    assert os.listdir(tmp_path) == []
    assert sorted(bad.rglob("*")) == before


def test_both_and_neither_input(
    bad: Path, speech_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    line = ["convert", "--face", str(bad / "whole.jpg"), "-o", str(tmp_path / "out.wav")]
    assert main([*line, "--audio", str(speech_path), "--text", "hello"]) == 2
    assert "not allowed with" in capfd.readouterr().err
    assert main(line) == 2
    assert "is required" in capfd.readouterr().err


def test_debug_shows_the_traceback(bad: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = ["convert", "--face", str(bad / "whole.jpg"), "--text", "hello", "-o", str(tmp_path / "out.wav")]
    assert main([*line, "--checkpoint", "demmo", "--debug"]) == 2
    err = capfd.readouterr().err
    assert "Traceback" in err
    assert "idfacevc: error: unknown checkpoint 'demmo'" in err


def test_a_tower_is_asked_for_where_faces_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(Path(__file__).parents[1] / "recipes/demo/conf/model.yaml")
    (tmp_path / "clips.tsv").write_text("face\taudio\tspeaker\nf.png\ta.wav\tanna\n")
    with_faces = ["prepare", "folder", str(tmp_path / "clips.tsv"), "--config", config, "--out", str(tmp_path / "out")]
    assert main(with_faces) == 2
    assert "give its folder with --tower" in capsys.readouterr().err
    speech = ["prepare", "demo", "speech", "--corpora", str(tmp_path), "--config", config, "--out", str(tmp_path / "o")]
    assert main(speech) == 2
    assert "speech.tsv is missing" in capsys.readouterr().err

"""The command line, in process: every verb on the tiny bundle."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from idfacevc.bundles.weights import weights_of
from idfacevc.cli import main as cli
from idfacevc.cli.main import VERBS, main
from idfacevc.config.face import ClipSpec, FaceNetSpec, FaceSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.speech import ResemblyzerProjectionSpec
from idfacevc.config.training_files import read_model
from idfacevc.pipeline.system import obstacle
from tests.conftest import vowels

NATURAL = [] if obstacle() else ["natural.wav"]  # of demo, where Kokoro is installed


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]


@pytest.fixture
def base(tiny_bundle: Path, photo_path: Path) -> list[str]:
    return ["--face", str(photo_path), "--checkpoint", str(tiny_bundle)]


def test_help_of_every_verb_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    listed = capsys.readouterr().out
    for verb in ("convert", "batch", "demo", "prepare", "vocoder", "download", "info"):
        assert verb in VERBS
        assert f"    {verb} " in listed
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        assert f"example: idfacevc {verb}" in capsys.readouterr().out
    assert main([]) == 2
    assert "usage: idfacevc" in capsys.readouterr().out


def test_convert_a_recording(
    base: list[str], speech_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new folder" / "out.wav"
    assert main(["convert", *base, "--audio", str(speech_path), "-o", str(out), "--seed", "3"]) == 0
    captured = capfd.readouterr()
    assert "1.50 s of speech" in captured.out
    assert "real-time factor" in captured.out
    assert captured.err == ""
    assert len(read(out)) == 24000
    again = tmp_path / "again.wav"
    assert main(["convert", *base, "--audio", str(speech_path), "-o", str(again), "--seed", "3"]) == 0
    np.testing.assert_array_equal(read(out), read(again))


def test_convert_a_text_with_all_options_and_a_figure(base: list[str], photo_path: Path, tmp_path: Path) -> None:
    out, figure = tmp_path / "out.flac", tmp_path / "figure.png"
    (tmp_path / "own.yaml").write_text("tired: {rate: 0.8}")
    options = (
        "--style tired --style-strength 0.5 --speed 1.2 --pitch-range 0.8 --device cpu --language en --strict-face"
    )
    options += f" --styles {tmp_path / 'own.yaml'} --base-speaker espeak --speaker 0"
    line = ["convert", *base, "--face", str(photo_path), "--text", "Good morning.", "-o", str(out), *options.split()]
    assert main([*line, "--plot", str(figure)]) == 0
    assert len(read(out)) > 5000
    with Image.open(figure) as image:
        assert image.width > 600
        assert len(np.unique(np.asarray(image.convert("L")))) > 50
    assert sorted(os.listdir(tmp_path)) == ["figure.png", "out.flac", "own.yaml"]


def test_a_saved_voice_speaks_a_file_and_standard_input(
    tiny_bundle: Path,
    photo_path: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def line(name: str, *options: str) -> list[str]:
        out = str(tmp_path / name)
        return ["convert", "--checkpoint", str(tiny_bundle), "--base-speaker", "espeak", "--quiet", "-o", out, *options]

    voice, words = tmp_path / "anna.safetensors", tmp_path / "words.txt"
    words.write_text("Good morning.", encoding="utf-8-sig")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Good morning.")))
    assert main(line("face.wav", "--face", str(photo_path), "--text", "Good morning.", "--voice-out", str(voice))) == 0
    assert main(line("voice.wav", "--voice", str(voice), "--text-file", str(words))) == 0
    assert main(line("pipe.wav", "--voice", str(voice), "--text", "-")) == 0
    assert capfd.readouterr() == ("", "")
    for name in ("voice.wav", "pipe.wav"):
        np.testing.assert_array_equal(read(tmp_path / name), read(tmp_path / "face.wav"))
    (tmp_path / "plain").touch()
    assert voice.stat().st_mode == (tmp_path / "plain").stat().st_mode
    table = tmp_path / "jobs.csv"
    table.write_text("face,text,output,base_speaker\nanna.safetensors,Good morning.,row.wav,espeak\n")
    assert main(["batch", str(table), "--out-dir", str(tmp_path), "--checkpoint", str(tiny_bundle), "--quiet"]) == 0
    np.testing.assert_array_equal(read(tmp_path / "row.wav"), read(tmp_path / "face.wav"))
    words.write_bytes(b"\xff\xfe\x00")
    for options, fault in (
        (("--voice", str(voice), "--text-file", str(words)), "is not text in UTF-8"),
        (("--voice", str(voice), "--text-file", str(tmp_path / "absent")), "no such file"),
        (("--voice", str(voice), "--text", "Hello.", "--plot", str(tmp_path / "a.png")), "give --face instead"),
        (
            ("--face", str(photo_path), "--text", "Hello.", "--voice-out", str(tmp_path / "a.wav")),
            "saved as .safetensors",
        ),
        (("--face", str(photo_path), "--text", "Hello.", "--face-index", "1"), "there is no face 1; found: 0 at x"),
    ):
        assert main(line("none.wav", *options)) == 2
        assert fault in capfd.readouterr().err


def test_warnings_are_one_line_each(
    base: list[str], photo: Image.Image, speech_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pair = Image.new("RGB", (1024, 512))
    pair.paste(photo, (0, 0))
    pair.paste(photo.resize((400, 400)), (560, 60))
    pair.save(tmp_path / "pair.png")
    line = ["convert", "--face", str(tmp_path / "pair.png"), *base[2:], "--audio", str(speech_path)]
    assert main([*line, "-o", str(tmp_path / "out.wav")]) == 0
    err = capfd.readouterr().err
    assert err.startswith(f"idfacevc: warning: {tmp_path / 'pair.png'}: 2 faces found, the largest is taken; ")
    assert err.count("\n") == 1
    with warnings.catch_warnings():  # the filters of the caller are as they were
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            warnings.warn("still heard", UserWarning, stacklevel=1)


def test_batch_does_what_is_missing_and_reports_what_fails(
    tiny_bundle: Path, photo_path: Path, speech_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "jobs.csv", tmp_path / "out"
    relative = os.path.relpath(photo_path, tmp_path)
    rows = [
        {"face": relative, "audio": str(speech_path), "output": "one.wav"},
        {"face": relative, "text": "Hello.", "output": "two/hello.flac", "speed": "1.5", "base_speaker": "espeak"},
        {"face": "absent.jpg", "text": "Hello.", "output": "three.wav"},
        {"face": relative, "text": "Hello.", "audio": str(speech_path), "output": "four.wav"},
        {"face": relative, "text": "Hello.", "output": "../five.wav"},
        {"face": relative, "text": "Hello.", "output": "six.wav", "speed": "fast"},
        {"face": relative, "text": "Hello."},
    ]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["face", "audio", "text", "output", "speed", "base_speaker"])
        writer.writeheader()
        writer.writerows(rows)
    line = ["batch", str(table), "--out-dir", str(out), "--checkpoint", str(tiny_bundle)]
    assert main(line) == 1
    captured = capsys.readouterr()
    assert "3 of 7 rows done" in captured.out
    assert [text.split(":")[1] for text in captured.err.splitlines()] == [" row 3", " row 4", " row 5", " row 6"]
    assert "absent.jpg: no such file" in captured.err
    made = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert made == ["0007.wav", "one.wav", "two/hello.flac"]
    assert not (tmp_path / "five.wav").exists()

    stamp = (out / "one.wav").stat().st_mtime_ns
    (out / "0007.wav").unlink()
    assert main(line) == 1
    assert "one.wav: there already" in capsys.readouterr().out
    assert (out / "one.wav").stat().st_mtime_ns == stamp
    assert (out / "0007.wav").exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("face,text,loudness\na,b,c\n", "unknown column loudness"),
        ("face,output\na,b\n", "face and audio or text"),
        ("face,text\n", "no rows"),
        ("face,text,output\na,b,x.wav\na,b,x.wav\n", "several rows write x.wav"),
    ],
)
def test_a_table_that_cannot_be_used(
    tmp_path: Path, tiny_bundle: Path, table: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jobs.csv").write_text(table)
    line = ["batch", str(tmp_path / "jobs.csv"), "--out-dir", str(tmp_path / "o"), "--checkpoint", str(tiny_bundle)]
    assert main(line) == 2
    assert words in capsys.readouterr().err


def test_demo(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "demo"), "--checkpoint", str(tiny_bundle)]) == 0
    assert sorted(os.listdir(tmp_path / "demo")) == sorted(
        [*NATURAL, "figure.png", "recording.wav", "speech.wav", "text.wav"]
    )
    out = capsys.readouterr().out
    assert "vocoder Griffin-Lim" in out
    assert out.count("real-time factor") == 2


def test_the_demo_leaves_ones_own_recording_alone(tiny_bundle: Path, speech_path: Path, tmp_path: Path) -> None:
    before = speech_path.read_bytes()
    line = ["demo", "--out", str(tmp_path), "--checkpoint", str(tiny_bundle), "--audio", str(speech_path)]
    assert main(line) == 0
    assert set(os.listdir(tmp_path)) >= {*NATURAL, "figure.png", "recording.wav", "speech.wav", "text.wav"}
    assert "Synthetic" not in (tmp_path / "recording.wav").read_bytes().decode("latin-1")
    assert "Synthetic" in (tmp_path / "speech.wav").read_bytes().decode("latin-1")
    assert speech_path.read_bytes() == before


def test_info_names_the_vocoder_and_what_is_missing(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").symlink_to(tiny_bundle)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.json").write_text("{}")
    monkeypatch.setenv("IDFACEVC_CHECKPOINTS", str(tmp_path))
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"checkpoint good: {tmp_path / 'good'}\n  vocoder: Griffin-Lim" in out
    assert "checkpoint bad: cannot be used" in out
    assert "base speaker espeak: ready" in out
    assert "convert, batch: ready" in out


def test_download_needs_nothing_for_a_bundle_with_a_tower(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "--checkpoint", str(tiny_bundle)]) == 0
    assert "nothing to fetch" in capsys.readouterr().out


def test_download_names_what_a_configuration_needs(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("model: {class_path: x, init_args: {model: {face: {backbone: {name: a/b}}}}}")
    (tmp_path / "over.yaml").write_text("model: {init_args: {model: {speech: {name: c/d, revision: null}}}}")
    model = read_model([str(tmp_path / "model.yaml"), str(tmp_path / "over.yaml")])

    def needs(model: ModelSpec, training: bool) -> list[tuple[str, str | None]]:
        return [(one.name, one.revision) for one in weights_of(model, training)]  # type: ignore[attr-defined]

    assert needs(model, True) == [("a/b", ClipSpec().revision), ("c/d", None)]
    assert needs(model, False) == [("a/b", ClipSpec().revision)]
    (tmp_path / "facenet.pt").touch()
    own = FaceSpec(FaceNetSpec(name=str(tmp_path / "facenet.pt")))
    (only,) = weights_of(ModelSpec(face=own, speech=ResemblyzerProjectionSpec()), training=True)
    assert only.name == "FaceNet (VGGFace2)" and only.here


def test_download_shows_sizes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from idfacevc.bundles import hub

    (tmp_path / "model.yaml").write_text("model: {model: {speech: {kind: resemblyzer_projection}}}")
    monkeypatch.setattr(hub, "cached", lambda *_: None)
    monkeypatch.setattr(hub, "missing", lambda *_: {"config.json": 1000, "model.safetensors": 351_000_000})
    monkeypatch.setattr(hub, "fetch", lambda repository, sizes, revision: tmp_path)
    assert main(["download", "--config", str(tmp_path / "model.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "openai/clip-vit-base-patch32: 351 MB to fetch"
    assert len(lines) == 2
    (tmp_path / "both.yaml").write_text("model: {model: {}}")
    assert main(["download", "--config", str(tmp_path / "both.yaml"), "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "openai/clip-vit-base-patch32: 351 MB to fetch",
        "laion/larger_clap_general: 351 MB to fetch",
        "together: 702 MB",
    ]
    monkeypatch.setattr(hub, "cached", lambda name, _: tmp_path if "clip-" in name else None)
    assert main(["download", "--config", str(tmp_path / "both.yaml")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "openai/clip-vit-base-patch32: is here already",
        "laion/larger_clap_general: 351 MB to fetch",
        f"laion/larger_clap_general: in {tmp_path}",
    ]


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_plain_messages", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "idfacevc: error: interrupted\n"


def test_training_options_are_passed_on_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    from idfacevc.cli import train

    seen = []
    monkeypatch.setattr(train, "run", lambda args: seen.append(args.rest) or 0)
    rest = ["--config", "a.yaml", "--trainer.max_epochs", "3", "--help"]
    assert main(["train", *rest]) == 0
    assert seen == [rest]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(base: list[str], tmp_path: Path) -> None:
    peaks = []
    for minutes in (2, 20):
        soundfile.write(tmp_path / "in.flac", np.tile(vowels(60.0), minutes), 16000)
        line = ["convert", *base, "--audio", str(tmp_path / "in.flac"), "-o", str(tmp_path / "out.flac")]
        script = f"""if True:
            import resource
            from idfacevc.cli.main import main
            assert main({line!r}) == 0
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        """
        out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        peaks.append(float(out.split()[-1]))
    # 18 more minutes are 69 MB of samples in a memory map, which the system may drop at any time
    assert peaks[1] - peaks[0] < 120

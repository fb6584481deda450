"""`voices`, `cast`, `evaluate association` and `convert` with generated voices, on the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from idfacevc.cli.main import main
from idfacevc.errors import InputError
from idfacevc.pipeline import system
from idfacevc.pipeline.system import choose_system
from idfacevc.text.speakers import kokoro
from idfacevc.types import GeneratedVoice
from idfacevc.vclip import Vclip, stream
from tests.conftest import vowels

needs_kokoro = pytest.mark.skipif(not kokoro.available(), reason="the extra kokoro is not installed")


@pytest.fixture
def here(small_bundle: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small bundle under the names of the shipped ones."""
    monkeypatch.setattr(Vclip.from_pretrained.__func__, "__defaults__", (small_bundle, tiny_bundle))


@pytest.fixture
def anna(vclip: Vclip, photo, tmp_path: Path) -> Path:
    path = tmp_path / "anna.safetensors"
    vclip.voices(photo, 1)[0].save(path)
    return path


def test_candidates_are_listed_and_one_is_saved(here, small_bundle, photo_path, tmp_path, capsys):
    saved = tmp_path / "picked.safetensors"
    line = ["voices", "--face", str(photo_path), "-k", "3", "--checkpoint", str(small_bundle)]
    assert main([*line, "--pick", "2", "--save", str(saved)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[1].startswith(f"2: voice {GeneratedVoice.load(saved).name}, score")


@needs_kokoro
def test_candidates_speak_and_have_a_page(here, small_bundle, photo_path, tmp_path):
    out = tmp_path / "out"
    line = ["voices", "--face", str(photo_path), "-k", "2", "--checkpoint", str(small_bundle)]
    assert main([*line, "--text", "Well, <hi>.", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "voice-1.wav", "voice-2.wav"]
    first, second = (soundfile.read(out / f"voice-{number}.wav") for number in (1, 2))
    assert first[1] == 24000 and len(first[0]) > 12000 and np.abs(first[0]).max() > 0.05
    assert len(first[0]) != len(second[0]) or not np.array_equal(first[0], second[0])
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "&lt;hi&gt;" in page and page.count("<audio") == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["-k", "50"], "40 candidates"),
        (["--text", "Hello."], "--out belong together"),
        (["--pick", "2"], "--pick needs --save"),
        (["--pick", "9", "--save", "a.safetensors"], "there are voices 1 to 5"),
        (["--save", "a.txt"], "saved as .safetensors"),
        (["--temperature", "-1"], "must not be negative"),
    ],
)
def test_wrong_lines(here, small_bundle, photo_path, line, message, capsys):
    assert main(["voices", "--face", str(photo_path), "--checkpoint", str(small_bundle), *line]) == 2
    assert message in capsys.readouterr().err


def test_a_cast(here, small_bundle, photo_path, tmp_path, capsys):
    table = tmp_path / "cast.csv"
    rows = [["name", "face"], *([name, str(photo_path)] for name in ("anna", "ben", "carl"))]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    assert main(["cast", str(table), "--out", str(tmp_path / "voices"), "--checkpoint", str(small_bundle)]) == 0
    voices = [GeneratedVoice.load(tmp_path / "voices" / f"{name}.safetensors") for name in ("anna", "ben", "carl")]
    assert len({voice.name for voice in voices}) == 3 and "likest" in capsys.readouterr().out
    for text, message in (
        ("name,face\n", "no rows"),
        ("face\nx\n", "columns"),
        ("name,face\n../a,x\n", "name of a file"),
    ):
        table.write_text(text)
        assert main(["cast", str(table), "--out", str(tmp_path / "voices")]) == 2
        assert message in capsys.readouterr().err


def test_one_voice_for_recordings(anna, tiny_bundle, speech_path, tmp_path, capsys):
    out = tmp_path / "out.wav"
    line = ["convert", "--voice", str(anna), "--checkpoint", str(tiny_bundle), "--audio", str(speech_path)]
    assert main([*line, "-o", str(out)]) == 0
    assert soundfile.info(out).samplerate == 16000 and "system: idfacevc" in capsys.readouterr().out
    assert main([*line, "--system", "vclip", "-o", str(out)]) == 2
    assert "a recording is converted by idfacevc" in capsys.readouterr().err


@needs_kokoro
def test_and_for_texts(anna, tmp_path, capsys):
    out = tmp_path / "out.wav"
    line = ["convert", "--voice", str(anna), "--text", "One two.", "-o", str(out)]
    assert main(line) == 0
    assert soundfile.info(out).samplerate == 24000 and "system: vclip" in capsys.readouterr().out
    plain = len(soundfile.read(out)[0])
    assert main([*line, "--speed", "1.5", "--style", "excited"]) == 0
    assert len(soundfile.read(out)[0]) < plain
    assert main(["convert", "--voice", str(anna), "--text", "...", "-o", str(tmp_path / "no.wav")]) == 2
    assert "nothing that can be pronounced" in capsys.readouterr().err and not (tmp_path / "no.wav").exists()


def test_speech_of_another_language_or_space_is_refused(vclip, photo):
    voice = vclip.voices(photo, 1)[0]
    with pytest.raises(InputError, match="English"):
        stream(voice, "Hallo.", language="de")
    with pytest.raises(InputError, match="space 'xtts'"):
        stream(GeneratedVoice(**{**vars(voice), "space": "xtts"}), "Hello.")


def test_the_system_is_the_better_one_that_can(monkeypatch):
    monkeypatch.setattr(system, "obstacle", lambda language="en": None)
    assert choose_system("auto", "Hello.", {}) == choose_system("vclip", "Hello.", {}) == "vclip"
    assert choose_system("auto", None, {}) == choose_system("idfacevc", "Hello.", {}) == "idfacevc"
    assert choose_system("auto", "Hello.", {"base_speaker": "espeak"}) == "idfacevc"
    with pytest.raises(InputError, match="checkpoint is an option of idfacevc"):
        choose_system("vclip", "Hello.", {"checkpoint": "other"})
    with pytest.raises(InputError, match="unknown system"):
        choose_system("best", "Hello.", {})
    monkeypatch.setattr(system, "obstacle", lambda language="en": "Kokoro is not on this machine: pip …")
    assert choose_system("auto", "Hello.", {}) == "idfacevc"
    with pytest.raises(InputError, match="Kokoro is not on this machine"):
        choose_system("vclip", "Hello.", {})


def test_association_of_a_list_of_pairs(here, small_bundle, photo_path, speech_path, anna, tmp_path, capsys):
    pytest.importorskip("resemblyzer")
    other = tmp_path / "other.wav"
    soundfile.write(other, vowels(2.0, seed=5), 16000)
    pairs = tmp_path / "pairs.tsv"
    rows = [
        f"{photo_path}\t{voice}\t{name}" for name, voice in (("anna", speech_path), ("ben", other), ("carl", other))
    ]
    pairs.write_text("\n".join(["face\tvoice\tidentity", *rows]))
    line = ["evaluate", "association", "--checkpoint", str(small_bundle), "--pairs", str(pairs)]
    assert main(line) == 0
    table = capsys.readouterr().out
    assert "3 pairs of 3 identities" in table and "AUC, same gender" in table and "face tower's reading" in table
    pairs.write_text("\n".join(["face\tvoice\tidentity", *rows, f"{photo_path}\t{anna}\tdora"]))
    assert main(line) == 2
    assert "may not judge" in capsys.readouterr().err
    pairs.write_text("face\tvoice\n")
    assert main(line) == 2
    assert "identity" in capsys.readouterr().err


def test_association_of_a_public_list_of_trials(here, small_bundle, photo_path, speech_path, tmp_path, capsys):
    pytest.importorskip("resemblyzer")
    other = tmp_path / "other.wav"
    soundfile.write(other, vowels(2.0, seed=5), 16000)
    trials = tmp_path / "list.txt"
    rows = [f"1,1,1,1,{speech_path},{photo_path}", f"2,2,1,0,other.wav,{photo_path}"]
    trials.write_text("\n".join(["id,voice-speaker-id,face-speaker-id,label,voice-path,face-path", *rows]))
    line = ["evaluate", "association", "--checkpoint", str(small_bundle), "--trials", str(trials)]
    line += ["--voices", str(tmp_path)]
    assert main(line) == 0
    table = capsys.readouterr().out
    assert "2 trials, 1 of one person, 2 identities" in table and "| AUC |" in table and "| EER |" in table
    other.unlink()
    assert main(line) == 2
    assert capsys.readouterr().err.endswith(f"{other}: is not there (1 of the 3 files are not)\n")

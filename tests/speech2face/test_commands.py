"""`idfacevc face` and `evaluate speech2face` on the command line, with good and bad recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors import safe_open

from idfacevc.audio.speech import first_speech, is_speech
from idfacevc.cli.main import main
from idfacevc.errors import InputError
from idfacevc.evaluation.speech2face import PairFeatures, distances, retrievals
from tests.conftest import vowels

RATE = 16000


def chord(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.2 * sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330))).astype(np.float32)


def written(folder: Path, name: str, wave: np.ndarray) -> Path:
    soundfile.write(folder / name, wave, RATE)
    return folder / name


def test_a_face_is_drawn_and_a_gallery_is_ranked(here, small_speech2face, speech_path, photo, tmp_path, capsys):
    gallery = tmp_path / "gallery"
    gallery.mkdir()
    photo.save(gallery / "a.png")
    photo.rotate(5).save(gallery / "b.png")
    photo.crop((300, 300, 400, 400)).save(gallery / "nobody.png")
    out, features = tmp_path / "face.png", tmp_path / "out.safetensors"
    line = ["face", "--audio", str(speech_path), "--checkpoint", str(small_speech2face), "-o", str(out)]
    assert main([*line, "--features", str(features), "--gallery", str(gallery)]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert "s of speech were heard" in lines[0] and lines[1].startswith("1: ") and "degrees" in lines[2]
    assert said.err.count("no likeness") == 1 and "nobody.png: no face" in said.err
    assert out.exists()
    with safe_open(features, "np") as file:
        assert file.get_tensor("feature").shape == (16,) and "nobody" in file.metadata()["about"]


@pytest.mark.parametrize(
    ("wave", "message"),
    [
        (np.zeros(RATE * 3, np.float32), "is silent"),
        (chord(4.0), "like music or noise"),
        (0.1 * np.random.default_rng(0).standard_normal(RATE * 4).astype(np.float32), "like music or noise"),
        (np.concatenate([vowels(0.6), np.zeros(RATE * 3, np.float32)]), "at least 1 s is needed"),
        (vowels(0.2), "at least 0.3 s"),
    ],
)
def test_what_is_no_speech(here, small_speech2face, wave, message, tmp_path, capsys):
    recording, out = written(tmp_path, "in.wav", wave), tmp_path / "face.png"
    assert main(["face", "--audio", str(recording), "--checkpoint", str(small_speech2face), "-o", str(out)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and message in said[0] and not out.exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ([], "say what is wanted"),
        (["-o", "face.jpg"], "written as .png"),
        (["--features", "a.txt"], "written as .safetensors"),
        (["--gallery", "absent"], "absent: the gallery cannot be read"),
        (["-o", "face.png", "--checkpoint", "absent"], "unknown checkpoint 'absent'"),
    ],
)
def test_wrong_lines(here, speech_path, line, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["face", "--audio", str(speech_path), *line]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and message in said[0]


def test_pauses_are_left_out_and_the_rest_is_not_read():
    speech = vowels(12.0)
    broken = np.concatenate([np.zeros(RATE * 5, np.float32), speech])
    heard = first_speech((broken, RATE), 6.0)
    assert len(heard) == 6 * RATE and np.square(heard).mean() > 0.5 * np.square(speech).mean()
    late = np.concatenate([1e-3 * np.ones(RATE * 620, np.float32), speech])  # beyond the ten minutes that are searched
    with pytest.raises(InputError):
        first_speech((late, RATE), 6.0)


def test_speech_moves_and_held_notes_do_not():
    assert is_speech(vowels(4.0)) and is_speech(vowels(4.0, seed=3))
    assert not is_speech(chord(4.0))


def planted(count: int, noise: float) -> PairFeatures:
    rng = np.random.default_rng(0)
    true = rng.standard_normal((count, 16))
    heard = {seconds: 3 * true + noise * rng.standard_normal(true.shape) for seconds in (3, 6)}
    return PairFeatures(
        true, heard, np.array([f"p{one // 2}" for one in range(count)]), np.array(["f", "m"] * (count // 2))
    )


def value(rows: list[tuple[str, str]], *parts: str) -> float:
    (found,) = [text for name, text in rows if all(part in name for part in parts)]
    return float(found.split()[0])


def test_planted_pairs_are_found_and_noise_is_chance():
    rows = retrievals(planted(120, 0.0))
    assert value(rows, "recall@1, 100 faces", "6 s") == 1 and value(rows, "recall@1, all faces (", "3 s") == 1
    assert value(rows, "recall@5, all faces of the gender (", "6 s") == 1
    noise = retrievals(planted(120, 1e4))
    assert value(noise, "recall@10, 100 faces", "6 s") == pytest.approx(0.1, abs=0.06)
    assert value(noise, "recall@10, 100 faces", "chance") == pytest.approx(0.1)
    assert value(noise, "recall@10, 100 faces", "gender alone") == pytest.approx(0.2, abs=0.02)


def test_distances_of_equal_features_are_none():
    rows = distances(planted(40, 0.0))
    for figure in ("angle", "L1", "L2"):
        assert value(rows, figure, "6 s") == pytest.approx(0, abs=1e-3)
        assert value(rows, figure, "another's face") > 0.5 and value(rows, figure, "mean face") > 0.5


def test_a_list_of_pairs_is_measured(here, small_speech2face, photo, photo_path, speech_path, tmp_path, capsys):
    photo.rotate(8).save(tmp_path / "other.png")
    other = written(tmp_path, "other.wav", vowels(2.0, seed=5))
    rows = [(photo_path, speech_path, "anna"), (tmp_path / "other.png", other, "ben"), (photo_path, other, "carl")]
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("face\tvoice\tidentity\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    line = ["evaluate", "speech2face", "--pairs", str(pairs), "--checkpoint", str(small_speech2face)]
    assert main(line) == 0
    table = capsys.readouterr().out
    assert "3 pairs of 3 identities" in table and "face tower's reading" in table
    for figure in ("angle, degrees, 3 s", "recall@1, all faces", "gender, 6 s, as the tower sees it", "age bin within"):
        assert figure in table

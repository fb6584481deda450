"""Lists: what is read, and what is refused in one line that names the place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idfacevc.audio.output import save_recording
from idfacevc.cli.main import main
from idfacevc.errors import InputError
from idfacevc.evaluation.pairs import SPOKEN, read_outputs, read_pairs

HEADER = "source\tsay\tface\treference\ttarget\tsource_speaker\ttranscript\toutput"
GOOD = "a.wav\t\tf.png\tr.wav\tanna\tben\thello\to.wav"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    for name in ("a.wav", "r.wav", "o.wav"):
        save_recording(tmp_path / name, noise, 16000)
    (tmp_path / "f.png").write_bytes(b"")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not audio at all")
    return tmp_path


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "list.tsv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_paths_count_from_the_folder_of_the_list(folder: Path) -> None:
    (pair,) = read_outputs(table(folder, GOOD))
    assert Path(pair.output) == folder / "o.wav"
    assert Path(pair.face) == folder / "f.png"
    assert (pair.target, pair.source_speaker, pair.transcript) == ("anna", "ben", "hello")


def test_a_text_is_its_own_transcript(folder: Path) -> None:
    (pair,) = read_pairs(table(folder, "\tgood day\tf.png\tr.wav\tanna\tespeak\t\t"))
    assert (pair.source, pair.say, pair.transcript, pair.utterance) == ("", "good day", "good day", "say: good day")


def test_a_text_needs_no_source_speaker(folder: Path) -> None:
    (pair,) = read_pairs(table(folder, "\tgood day\tf.png\tr.wav\tanna\t\t"))
    assert pair.source_speaker == SPOKEN
    with pytest.raises(InputError, match="has no source_speaker"):
        read_pairs(table(folder, "a.wav\t\tf.png\tr.wav\tanna\t\t"))


def test_a_list_in_parts_may_name_the_gender_instead_of_true_speech(folder: Path) -> None:
    header = "source\tface\treference\ttarget\tsource_speaker\tcondition\tface_gender\tface_age\taligned"
    row = "a.wav\tf.png\t\tanna\tben\tnative\tf\t20-29\tyes"
    (pair,) = read_pairs(table(folder, row, header=header))
    assert (pair.reference, pair.condition, pair.face_gender) == ("", "native", "f")
    assert (pair.face_age, pair.aligned) == ("20-29", "yes")
    twice = read_pairs(table(folder, row, row.replace("native", "accented"), header=header))
    assert twice[0].utterance == twice[1].utterance
    for old, new, message in (("\tf\t", "\t\t", "has no reference"), ("\tf\t", "\tx\t", "is f or m, not x")):
        with pytest.raises(InputError, match=message):
            read_pairs(table(folder, row.replace(old, new), header=header))


def test_columns_that_a_list_leaves_out(folder: Path) -> None:
    rows = "a.wav\tf.png\tr.wav\tanna\tben"
    (pair,) = read_pairs(table(folder, rows, header="source\tface\treference\ttarget\tsource_speaker"))
    assert (pair.say, pair.transcript) == ("", "")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no rows"),
        ([GOOD.replace("a.wav", "none.wav")], "line 2: source .*none.wav: no such file"),
        ([GOOD, GOOD.replace("o.wav", "empty.wav")], "line 3: output .*empty.wav: is empty"),
        ([GOOD.replace("r.wav", "text.wav")], "line 2: reference .*text.wav: cannot be read as audio"),
        ([GOOD.replace("r.wav", "")], "line 2: has no reference"),
        ([GOOD.replace("anna", "")], "line 2: has no target"),
        ([GOOD.replace("\t\t", "\thello\t")], "line 2: give one of source"),
        ([GOOD.replace("a.wav", "")], "line 2: give one of source"),
        ([GOOD, GOOD], "line 3: names the same output as line 2"),
    ],
)
def test_bad_outputs(folder: Path, rows: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_outputs(table(folder, *rows))
    assert "\n" not in str(error.value)


def test_bad_pairs(folder: Path) -> None:
    other = GOOD.replace("o.wav", "other.wav")
    with pytest.raises(InputError, match="line 3: names the same source, face and target as line 2"):
        read_pairs(table(folder, GOOD, other))
    with pytest.raises(InputError, match=r"line 2: face .*: no such file"):
        read_pairs(table(folder, GOOD.replace("f.png", "g.png")))
    with pytest.raises(InputError, match="lacks the column face, target"):
        read_pairs(table(folder, "a.wav\tr.wav\tben", header="source\treference\tsource_speaker"))
    with pytest.raises(InputError, match="no such file"):
        read_pairs(folder / "none.tsv")
    (folder / "list.tsv").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(InputError, match="not a table"):
        read_pairs(folder / "list.tsv")


def test_command_line_says_it_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(folder, GOOD.replace("o.wav", "empty.wav"))
    assert main(["evaluate", "outputs", str(path), "--out", str(folder / "out")]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert "empty.wav" in streams.err
    assert not (folder / "out").exists()


def test_utterance_is_shared_by_conversions_of_one_source(say: Callable[..., np.ndarray], folder: Path) -> None:
    (pair,) = read_outputs(table(folder, GOOD))
    assert pair.utterance == replace(pair, target="ben", face="other.png").utterance

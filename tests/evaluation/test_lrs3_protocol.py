"""The unseen-speaker test as a list, on a folder laid out like LRS3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from idfacevc.data.corpora.lrs3 import fixed_speakers, transcript
from idfacevc.errors import InputError
from idfacevc.evaluation.pairs import write_pairs
from idfacevc.evaluation.protocols.lrs3 import PROTOCOL, lrs3_pairs

FEMALE = {"--aaaaaaaaa", "_bbbbbbbbb_", "ddddddddddd"}


@pytest.fixture
def lrs3(tmp_path: Path) -> Path:
    speakers = {one.id: one.clip or "00001" for one in fixed_speakers("targets") + fixed_speakers("sources")}
    speakers |= dict.fromkeys([*sorted(FEMALE), "Mccccccccc1", "Mccccccccc2", "Mccccccccc3"], "00001")
    for speaker, clip in speakers.items():
        folder = tmp_path / "test" / speaker
        folder.mkdir(parents=True)
        for name in {f"{number:05d}" for number in range(8)} | {clip}:
            (folder / f"{name}.mp4").write_bytes(b"")
            (folder / f"{name}.txt").write_text(f"Text:  WORDS OF {speaker}: {name}\nConf:  3\n")
    return tmp_path


def gender(clip: Path) -> str:
    return "f" if clip.parent.name in FEMALE else "m"


def test_eight_by_eight(lrs3: Path) -> None:
    pairs = lrs3_pairs(lrs3, gender)
    assert len(pairs) == 8 * 6 * 8 * 3
    sources = list(dict.fromkeys(pair.source_speaker for pair in pairs))
    assert sources[4:] == ["--aaaaaaaaa", "Mccccccccc1", "Mccccccccc2", "_bbbbbbbbb_"]
    assert not {pair.target for pair in pairs} & set(sources)
    for pair in pairs:
        assert pair.face == pair.reference
        assert Path(pair.source).parent.name == pair.source_speaker
        assert pair.transcript == f"WORDS OF {pair.source_speaker}: {Path(pair.source).stem}"
    assert lrs3_pairs(lrs3, gender) == pairs


def test_named_speakers() -> None:
    assert [one.gender for one in fixed_speakers("targets")] == [*"mmmmffff"]
    assert [one.gender for one in fixed_speakers("sources")] == [*"ffmm"]
    assert all(one.clip for one in fixed_speakers("targets"))


def test_committed_list_is_what_the_generator_makes_of_the_named_speakers(lrs3: Path, tmp_path: Path) -> None:
    """It stands for a copy of LRS3, so that it names a source's folder instead of the clips found there."""
    sources = {one.id for one in fixed_speakers("sources")}
    faces = {str(lrs3 / "test" / one.id / f"{one.clip}.mp4") for one in fixed_speakers("targets")}
    pairs = [
        replace(
            pair,
            source=Path(pair.source).parent.relative_to(lrs3).as_posix(),
            face=Path(pair.face).relative_to(lrs3).as_posix(),
            reference=Path(pair.reference).relative_to(lrs3).as_posix(),
            transcript="",
        )
        for pair in lrs3_pairs(lrs3, gender)
        if pair.source_speaker in sources and pair.face in faces
    ]
    write_pairs(tmp_path / "pairs.tsv", list(dict.fromkeys(pairs)))
    committed = PROTOCOL.with_name("lrs3_pairs.tsv").read_text(encoding="utf-8")
    assert (tmp_path / "pairs.tsv").read_text(encoding="utf-8") == committed
    assert committed.count("\n") == 1 + 4 * 8


def test_designated_clip_comes_first(lrs3: Path) -> None:
    faces: dict[str, list[str]] = {}
    for pair in lrs3_pairs(lrs3, gender):
        own = faces.setdefault(pair.target, [])
        if Path(pair.face).stem not in own:
            own.append(Path(pair.face).stem)
    assert faces["sxnlvwprfSc"] == ["00002", "00000", "00001"]
    assert faces["7kkRkhAXZGg"] == ["00010", "00000", "00001"]


def test_what_is_missing_is_named(lrs3: Path, tmp_path: Path) -> None:
    (lrs3 / "test" / "7kkRkhAXZGg" / "00010.mp4").unlink()
    with pytest.raises(InputError, match=r"7kkRkhAXZGg.00010.mp4"):
        lrs3_pairs(lrs3, gender)
    with pytest.raises(InputError, match="holds no folder test"):
        lrs3_pairs(tmp_path / "elsewhere")


def test_transcripts(tmp_path: Path) -> None:
    assert transcript(tmp_path / "00001.mp4") == ""
    (tmp_path / "00001.txt").write_text("Text:  IT WAS: GOOD  \n\nConf:  4\n")
    assert transcript(tmp_path / "00001.mp4") == "IT WAS: GOOD"


def test_list_is_written_as_it_is_read(lrs3: Path, tmp_path: Path) -> None:
    pairs = lrs3_pairs(lrs3, gender)[:2]
    write_pairs(tmp_path / "pairs.tsv", pairs)
    header, *rows = (tmp_path / "pairs.tsv").read_text(encoding="utf-8").splitlines()
    assert header.split("\t") == ["source", "say", "face", "reference", "target", "source_speaker", "transcript"]
    assert [row.split("\t")[0] for row in rows] == [pair.source for pair in pairs]

"""Which clips of a corpus are prepared, and as what."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from idfacevc.data.corpora.folder import read_folder
from idfacevc.data.corpora.lrs3 import fixed_speakers, lrs3_items
from idfacevc.data.corpora.voxceleb import voxceleb_items
from idfacevc.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_lrs3_takes_the_speakers_with_most_clips_of_both_parts(tmp_path: Path) -> None:
    clips = {"-a_b-c_d-e-": (3, 0), "_bbbbbbbbb-": (1, 3), "ccccccccccc": (2, 1), "ddddddddddd": (2, 1)}
    for speaker, (pretrain, trainval) in clips.items():
        touch(tmp_path, *(f"pretrain/{speaker}/{n:05d}.mp4" for n in range(pretrain)))
        touch(tmp_path, *(f"trainval/{speaker}/{50001 + n}.mp4" for n in range(trainval)))
    touch(tmp_path, "pretrain/ccccccccccc/._00000.mp4", "pretrain/empty/00001.txt", "trainval/stray.txt")
    (tmp_path / "pretrain/ccccccccccc/00000.txt").write_text("Text:  SO: IT IS\nConf:  3\n")
    items = lrs3_items(tmp_path, speakers=3)
    # four clips, then three each, where the id decides
    assert Counter(item.speaker for item in items) == {"_bbbbbbbbb-": 4, "-a_b-c_d-e-": 3, "ccccccccccc": 3}
    assert {item.split for item in items if item.id.startswith("pretrain/")} == {"train"}
    assert {item.split for item in items if item.id.startswith("trainval/")} == {"valid"}
    assert len({item.id for item in items}) == len(items)
    assert all(Path(item.audio).is_file() and item.audio == item.face for item in items)
    assert next(item.text for item in items if item.id == "pretrain/ccccccccccc/00000") == "SO: IT IS"
    assert items == lrs3_items(tmp_path, speakers=3)


def test_lrs3_fixed_test_speakers_are_never_trained_on(tmp_path: Path) -> None:
    fixed = [*fixed_speakers("targets"), *fixed_speakers("sources")]
    touch(tmp_path, "pretrain/aaaaaaaaaaa/00001.mp4", "test/bbbbbbbbbbb/00001.mp4")
    touch(tmp_path, *(f"{part}/{one.id}/00001.mp4" for one in fixed for part in ("pretrain", "trainval", "test")))
    items = lrs3_items(tmp_path)
    assert [item.speaker for item in items if item.split != "test"] == ["aaaaaaaaaaa"]
    tested = [item for item in items if item.split == "test"]
    assert {item.speaker: item.gender for item in tested} == {one.id: one.gender for one in fixed}
    assert len(fixed) == 12


def test_a_folder_of_videos(tmp_path: Path) -> None:
    touch(tmp_path, "stray.mp4", "anna/notes.txt", "otto/deep/er/2.mkv", *(f"anna/{n}.MP4" for n in range(400)))
    items = read_folder(tmp_path)
    assert Counter(item.speaker for item in items) == {"anna": 400, "otto": 1}
    assert items[-1].id == "otto/deep/er/2.mkv"
    held_out = {item.id for item in items if item.split == "valid"}
    assert 8 <= len(held_out) <= 34
    touch(tmp_path, "aaron/1.mp4")
    assert {item.id for item in read_folder(tmp_path) if item.split == "valid"} - {"aaron/1.mp4"} == held_out


def test_voxceleb2_is_video(tmp_path: Path) -> None:
    touch(tmp_path, "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4", "dev/aac/id00012/21Uxsk56VDQ/00001.m4a")
    touch(tmp_path, "test/mp4/id00017/-_zLfNkCNVk/00002.mp4")
    (tmp_path / "vox2_meta.csv").write_text(
        "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \nid00017 ,n000017 ,f ,test \n"
    )
    first, second = voxceleb_items(tmp_path)
    assert (first.id, first.speaker, first.split, first.gender) == (
        "dev/id00012/21Uxsk56VDQ/00001", "id00012", "train", "m",
    )  # fmt: skip
    assert (second.speaker, second.split, second.gender) == ("id00017", "valid", "f")
    assert first.face == first.audio and first.face.endswith("mp4")


def test_voxceleb1_is_sound_and_pictures_under_the_speakers_name(tmp_path: Path) -> None:
    touch(tmp_path, "wav/id10001/1zcIwhmdeo4/00001.wav", "wav/id10270/5r0dWxy17C8/00001.wav")
    (tmp_path / "vox1_meta.csv").write_text(
        "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA.J._Buckley\tm\tIreland\tdev\n"
        "id10270\tEartha_Kitt\tf\tUSA\ttest\n"
    )
    with pytest.raises(InputError, match="--faces"):
        voxceleb_items(tmp_path)
    faces = tmp_path / "faces"
    touch(faces, "A.J._Buckley/1.6/1zcIwhmdeo4/0000375.jpg", "id10270/5r0dWxy17C8/1.jpg")
    first, second = voxceleb_items(tmp_path, faces)
    assert first.face == str(faces / "A.J._Buckley/1.6/1zcIwhmdeo4") and first.audio.endswith("00001.wav")
    assert second.face == str(faces / "id10270/5r0dWxy17C8") and second.split == "valid"


def test_folders_without_a_corpus(tmp_path: Path) -> None:
    for read in (lrs3_items, voxceleb_items, read_folder):
        with pytest.raises(InputError, match="holds no"):
            read(tmp_path)
    with pytest.raises(InputError, match="no folder of faces"):
        voxceleb_items(tmp_path, tmp_path / "absent")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"face\taudio\nx\ty\n", "lacks the column speaker"),
        (b"id\tface\taudio\tspeaker\n1\ta\tb\tc\n1\ta\tb\tc\n", "an id twice"),
        (b"face\taudio\tspeaker\tsplit\na\tb\tc\tdev\n", "row 1: 'dev' is no split; there are train, valid, test"),
        (b"face\taudio\tspeaker\n\xff\xfe\tb\tc\n", "not a table in UTF-8"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, table: bytes, words: str) -> None:
    (tmp_path / "clips.tsv").write_bytes(table)
    with pytest.raises(InputError, match=words):
        read_folder(tmp_path / "clips.tsv")

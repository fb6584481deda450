"""Readers of the public lists of face-voice trials."""

from __future__ import annotations

import pytest

from idfacevc.errors import InputError
from idfacevc.evaluation.protocols.pins import avspeech_id, read_matching, read_trials

HEADER = "id,voice-speaker-id,face-speaker-id,label,voice-path,face-path\n"


def test_trials_with_odd_names(tmp_path):
    rows = (
        "1,2,2,1,A.R._Rahman/gaQqIoV_aLY_0000001.wav,A.R._Rahman/eNc4LrrvV80/0011625.jpg\n"
        "2,2,9,0,A.R._Rahman/gaQqIoV_aLY_0000002.wav,Conan_O'Brien/FSfMyWtvPvI/0000825.jpg\n"
        "3,7,7,1,Zoë_Kravitz/a.wav,Zoë_Kravitz/b.jpg\n"
        "4,8,8,1,Zz_Alexa/a.wav,Zz_Alexa/b.jpg\n"
    )
    path = tmp_path / "list.txt"
    path.write_text(HEADER + rows, encoding="utf-8")
    trials = read_trials(path)
    assert [trial.same for trial in trials] == [True, False, True], "assistants have no faces"
    assert trials[1].face == "Conan_O'Brien/FSfMyWtvPvI/0000825.jpg" and trials[1].face_speaker == "9"
    assert trials[2].voice.startswith("Zoë")


@pytest.mark.parametrize(
    "text", ["", "face,voice\n", HEADER + "1,2,2,0,a,b\n", HEADER + "1,2,2,yes,a,b\n", HEADER + "1,2\n"]
)
def test_other_lists_are_refused(tmp_path, text):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(InputError, match=r"list\.txt"):
        read_trials(tmp_path / "list.txt")


def test_matching(tmp_path):
    path = tmp_path / "matching.csv"
    path.write_text("A/1.6/x/1.jpg id10002/y/00001.wav id10278/z/00011.wav\n\nZz_Siri/1.jpg a b\n")
    assert read_matching(path) == [("A/1.6/x/1.jpg", "id10002/y/00001.wav", "id10278/z/00011.wav")]
    path.write_text("a b\n")
    with pytest.raises(InputError, match="line 1"):
        read_matching(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_matching(tmp_path / "none.csv")


def test_ids_are_cut_by_their_length():
    assert avspeech_id("-_a-B_c-D_e_12.5-18.5") == ("-_a-B_c-D_e", "12.5-18.5")
    assert avspeech_id("gaQqIoV_aLY_0000001") == ("gaQqIoV_aLY", "0000001")
    for stem in ("short_1", "gaQqIoV_aLY", "gaQqIoV_aLYx0000001"):
        with pytest.raises(InputError, match="AVSpeech"):
            avspeech_id(stem)

"""The choice of voices for a face."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from idfacevc.errors import InputError
from idfacevc.types import GeneratedVoice, load_voice
from idfacevc.vclip import Vclip
from tests.vclip.material import CANDIDATES


def test_voices_are_ranked_named_and_the_same_each_time(vclip, photo):
    voices = vclip.voices(photo, 5)
    assert [voice.name for voice in voices] == [voice.name for voice in vclip.voices(photo, 5)]
    assert len({voice.name for voice in voices}) == 5
    best = voices[0]
    assert best.rank == 1 and best.percentile == pytest.approx(100 * (1 - 1 / CANDIDATES))
    scores = vclip.scores(vclip.embed_face(photo))
    assert best.score == scores.max() and int(best.name) == scores.argmax()
    assert best.distance > 0 and best.nearest in vclip.space.bank().names
    assert best.sound.shape == (256,) and np.linalg.norm(best.sound) == pytest.approx(1, abs=1e-5)


def test_a_planted_voice_is_found_and_an_index_gives_equal_scores(vclip):
    for candidate in (3, 17):
        face = vclip.bundle.index[candidate] / np.linalg.norm(vclip.bundle.index[candidate])
        assert vclip.voices_of(face, 1)[0].name == str(candidate)
        assert np.array_equal(vclip.scores(face), vclip.scores(face))


def test_candidates_may_stand_in_any_order(vclip, photo):
    order = np.random.default_rng(0).permutation(CANDIDATES)
    bundle = dataclasses.replace(
        vclip.bundle, coordinates=vclip.bundle.coordinates[order], index=vclip.bundle.index[order]
    )
    turned = Vclip(bundle, vclip.faces, vclip.tower)
    face = vclip.embed_face(photo)
    plain, other = vclip.voices_of(face, 4), turned.voices_of(face, 4)
    assert [int(voice.name) for voice in plain] == [int(order[int(voice.name)]) for voice in other]


def test_real_voices_and_draws_by_chance(vclip, photo):
    bank = vclip.voices(photo, 3, pool="bank")
    assert all(voice.distance == 0 and voice.name == voice.nearest for voice in bank)
    drawn = [[voice.name for voice in vclip.voices(photo, 3, temperature=10.0, seed=seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_several_photos_are_averaged(vclip, photo):
    small = photo.resize((300, 300))
    both = vclip.embed_face([photo, small])
    mean = vclip.embed_face(photo) + vclip.embed_face(small)
    assert np.allclose(both, mean / np.linalg.norm(mean), atol=1e-5)


def test_a_cast_has_a_voice_each(vclip, photo):
    faces = [vclip.embed_face(photo)] * 4
    assert len({voice.name for voice in vclip.cast(faces)}) == 4


def test_bad_input_is_one_line(vclip, photo):
    with pytest.raises(InputError, match=f"{CANDIDATES} candidates"):
        vclip.voices(photo, CANDIDATES + 1)
    with pytest.raises(InputError, match="face"):
        vclip.voices(np.zeros((64, 64, 3), np.uint8))


def test_who_chooses_may_not_judge(vclip, photo):
    face = vclip.embed_face(photo)
    voice = vclip.voices_of(face, 1)[0]
    with pytest.raises(InputError, match="may not judge"):
        vclip.judge(face, voice)
    assert vclip.judge(face, voice, same_judge=True) == pytest.approx(voice.score, abs=0.02)
    vclip.judge(face, dataclasses.replace(voice, selector="others"))


def test_a_voice_is_saved_and_a_damaged_one_refused(vclip, photo, tmp_path):
    voice = vclip.voices(photo, 1)[0]
    voice.save(tmp_path / "anna.safetensors")
    loaded = load_voice(tmp_path / "anna.safetensors")
    assert isinstance(loaded, GeneratedVoice)
    for field in dataclasses.fields(voice):
        assert np.array_equal(getattr(loaded, field.name), getattr(voice, field.name))
    (tmp_path / "broken.safetensors").write_bytes((tmp_path / "anna.safetensors").read_bytes()[:-8])
    for name in ("broken.safetensors", "none.safetensors"):
        with pytest.raises(InputError, match=name):
            load_voice(tmp_path / name)

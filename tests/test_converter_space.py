"""The converter's memory as a speaker space, on the tiny bundle."""

from __future__ import annotations

import numpy as np
import pytest

from idfacevc.api import IDFaceVC
from idfacevc.converter_space import ConverterSpace
from idfacevc.errors import InputError


def test_voices_of_the_memory_speak_texts_and_recordings(tiny_bundle, speech_path):
    space = ConverterSpace(IDFaceVC.from_pretrained(tiny_bundle))
    bank = space.bank()
    assert bank.vectors.shape == (12, 32) == (len(bank.names), space.dim)
    spoken, rate = space.speak(bank.vectors[0], "One two.", seed=1)
    assert rate == space.sample_rate and np.isfinite(spoken).all() and len(spoken) > rate / 2
    assert np.array_equal(spoken, space.speak(bank.vectors[0], "One two.", seed=1)[0])
    one, other = (space.convert(bank.vectors[row], speech_path).samples for row in (0, 1))
    assert len(one) == len(other) and not np.array_equal(one, other)
    with pytest.raises(InputError, match="32 finite numbers"):
        space.project(np.zeros(3))

"""What is heard in any channel is heard in the mono sum."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from idfacevc.audio.downmix import Downmix
from idfacevc.audio.io import load_audio


@pytest.mark.parametrize("weights", [(1, -1), (1, -0.98), (1, 1), (1, 0), (0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 0, -1)])
def test_no_layout_loses_a_voice(weights):
    wave = np.sin(np.arange(16_000) * 0.05)
    mono = Downmix(len(weights))(np.outer(weights, wave))
    assert 20 * np.log10(np.abs(mono).max() / np.abs(wave).max()) > -10


def test_the_result_does_not_jump_where_channels_begin_to_cancel():
    wave = np.sin(np.arange(32_000) * 0.05)
    other = np.where(np.arange(32_000) < 16_000, wave, -wave)
    downmix = Downmix(2)
    blocks = [downmix(np.stack([wave, other])[:, start : start + 1000]) for start in range(0, 32_000, 1000)]
    steps = np.abs(np.diff(np.concatenate(blocks)))
    steps[15_999] = 0  # where the recording itself jumps
    assert steps.max() < 0.1
    assert np.abs(blocks[-1]).max() > 0.9


@pytest.mark.parametrize("second", [(44100, 2), (22050, 1)])
def test_joined_recordings_of_other_formats_are_read_to_their_end(tmp_path, second):
    data = b""
    for rate, channels in ((44100, 1), second):
        wave = 0.5 * np.sin(2 * np.pi * 220 * np.arange(rate) / rate)
        soundfile.write(tmp_path / "part.mp3", np.stack([wave] * channels, 1), rate)
        data += (tmp_path / "part.mp3").read_bytes()
    (tmp_path / "both.mp3").write_bytes(data)
    assert len(load_audio(tmp_path / "both.mp3", 16000)) / 16000 == pytest.approx(2, abs=0.3)


def test_a_pair_is_taken_in_either_order():
    wave = np.sin(np.arange(16_000) * 0.1)
    assert (load_audio((wave, 16000), 16000) == load_audio((16000, wave), 16000)).all()

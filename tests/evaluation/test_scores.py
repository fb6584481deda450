"""The cache of analyses, and work over several processes."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idfacevc.audio.output import save_recording
from idfacevc.evaluation.metrics.base import Scorer
from idfacevc.evaluation.scores import ScoreCache, map_processes, score_clips


class Peak(Scorer):
    """The peak of a wave; notes what it looked at, and fails at the wave number `fails_at`."""

    name = "peak"

    def __init__(self, fails_at: int | None = None) -> None:
        self.seen = 0
        self._fails_at = fails_at

    def __call__(self, wav: np.ndarray) -> float:
        self.seen += 1
        if self.seen == self._fails_at:
            raise KeyboardInterrupt
        return float(np.abs(wav).max())


@pytest.fixture
def clips(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.wav" for number in range(20)]
    for number, path in enumerate(paths):
        save_recording(path, (rng.uniform(-1, 1, 8000) * (number + 1) / 20).astype(np.float32), 16000)
    return [str(path) for path in paths]


def test_each_content_is_looked_at_once(clips: list[str], tmp_path: Path) -> None:
    shutil.copyfile(clips[0], tmp_path / "copy.wav")
    copy = str(tmp_path / "copy.wav")
    cache = ScoreCache(tmp_path / "cache.sqlite")
    first, second = Peak(), Peak()
    found = score_clips(first, [*clips, clips[0], copy], cache, 1)
    assert first.seen == len(clips)
    assert found[copy] == found[clips[0]]
    assert list(found) == [*clips, copy]
    assert score_clips(second, clips, ScoreCache(tmp_path / "cache.sqlite"), 1) == {clip: found[clip] for clip in clips}
    assert second.seen == 0


def test_a_file_that_changed_is_looked_at_again(clips: list[str], tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path / "cache.sqlite")
    before = score_clips(Peak(), clips[:1], cache, 1)[clips[0]]
    shutil.copyfile(clips[-1], clips[0])
    assert score_clips(Peak(), clips[:1], cache, 1)[clips[0]] > before


def test_a_killed_run_goes_on_where_it_stopped(clips: list[str], tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path / "cache.sqlite")
    with pytest.raises(KeyboardInterrupt):
        score_clips(Peak(fails_at=18), clips, cache, 1)
    rest = Peak()
    assert len(score_clips(rest, clips, cache, 1)) == len(clips)
    assert rest.seen == 4  # two chunks of eight were kept


def test_values_of_any_shape_survive_the_cache(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path / "deep" / "cache.sqlite")
    values: Sequence[Any] = [1.5, "words", None, [0.1, 0.2], {"mean": None, "voiced": 0.0}]
    cache.put("a", [(str(index), value) for index, value in enumerate(values)])
    assert list(cache.get("a").values()) == values
    assert cache.get("b") == {}


def test_processes_keep_the_order() -> None:
    items = [float(number) for number in range(30)]
    assert list(map_processes(math.sqrt, items, 2, "roots")) == [math.sqrt(item) for item in items]

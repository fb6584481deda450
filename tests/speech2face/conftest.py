from __future__ import annotations

from pathlib import Path

import pytest

from idfacevc.speech2face import Speech2Face
from tests.speech2face.material import write_small_speech2face


@pytest.fixture(scope="session")
def small_speech2face(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small bundle of Speech2Face; leave it as it is."""
    return write_small_speech2face(tmp_path_factory.mktemp("speech2face") / "small", tiny_bundle)


@pytest.fixture(scope="session")
def speech2face(small_speech2face: Path, tiny_bundle: Path) -> Speech2Face:
    return Speech2Face.from_pretrained(small_speech2face, tiny_bundle)


@pytest.fixture
def here(small_speech2face: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small bundle under the names of the shipped ones."""
    monkeypatch.setattr(Speech2Face.from_pretrained.__func__, "__defaults__", (small_speech2face, tiny_bundle))

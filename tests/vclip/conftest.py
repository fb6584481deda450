from __future__ import annotations

from pathlib import Path

import pytest

from idfacevc.vclip import Vclip
from tests.vclip.material import write_small_vclip


@pytest.fixture(scope="session")
def small_bundle(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small bundle of Vclip; leave it as it is."""
    return write_small_vclip(tmp_path_factory.mktemp("vclip") / "small", tiny_bundle)


@pytest.fixture(scope="session")
def vclip(small_bundle: Path, tiny_bundle: Path) -> Vclip:
    return Vclip.from_pretrained(small_bundle, tiny_bundle)

"""UTMOS, the paper's naturalness figure. Its code and weights are fetched once and read from torch's hub cache."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import SAMPLE_RATE, MetricInfo, RatioMetric, Scorer, Unavailable, require

REPOSITORY = "tarepan/SpeechMOS:v1.2.0"
_MODEL = "utmos22_strong"


def code_folder() -> Path:
    """Folder in which torch.hub keeps the code of `REPOSITORY`."""
    import torch

    return Path(torch.hub.get_dir()) / re.sub("[/:]", "_", REPOSITORY)


def weights_address() -> str | None:
    """The address that the cached code names for its weights; None where there is no code."""
    code = code_folder() / "hubconf.py"
    found = re.search(rf'"{_MODEL}":\s*"([^"]+)"', code.read_text(encoding="utf-8")) if code.is_file() else None
    return found[1] if found else None


def weights_file(address: str) -> Path:
    """File in which torch.hub keeps what it fetched from `address`."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / address.rpartition("/")[2]


@contextmanager
def own_speechmos() -> Iterator[None]:
    """Lets the hub's code import its package `speechmos`, a name that it shares with the package of DNSMOS."""
    others = _pop_speechmos()
    # Set by hand: the hub's folder may lack an __init__.py, and the installed package would then be found before it.
    package = ModuleType("speechmos")
    package.__path__ = [str(code_folder() / "speechmos")]
    sys.modules["speechmos"] = package
    try:
        yield
    finally:
        _pop_speechmos()
        sys.modules.update(others)


def _pop_speechmos() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "speechmos"]
    return {name: sys.modules.pop(name) for name in names}


class UtmosModel(Scorer):
    """The strong learner of UTMOS22, one wave at a time: padding within a batch shifts its scores."""

    def __init__(self) -> None:
        self.name = f"UTMOS22 strong ({REPOSITORY})"
        require("torchaudio")
        address = weights_address()
        if address is None or not weights_file(address).is_file():
            raise Unavailable("the UTMOS weights are not cached (idfacevc download --evaluation)")
        self._code, self._weights = code_folder(), weights_file(address)

    @cached_property
    def _model(self) -> Any:
        import torch

        with own_speechmos():
            model: Any = torch.hub.load(str(self._code), _MODEL, source="local", pretrained=False)
        # The hub's own loading would unpickle whatever the file holds.
        model.load_state_dict(torch.load(self._weights, map_location="cpu", weights_only=True))
        return model.eval()

    def __call__(self, wav: np.ndarray) -> float:
        import torch

        with torch.inference_mode():
            return float(self._model(torch.from_numpy(wav)[None], SAMPLE_RATE))


class UTMOS(RatioMetric):
    """Mean predicted score."""

    info = MetricInfo("utmos", "UTMOS", "MOS", "higher", (1.0, 5.0), "paper", "Saeki et al., Interspeech 2022")

    def update(self, score: float, speaker: str) -> None:
        self.add(score, speaker)

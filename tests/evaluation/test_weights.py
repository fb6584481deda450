"""The paper tier's weights: fetched from a server on this machine, and read with the code that the hub would hold."""

from __future__ import annotations

import functools
import hashlib
import pickle
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import whisper

from idfacevc.cli.main import main
from idfacevc.evaluation.metrics.base import Unavailable
from idfacevc.evaluation.metrics.utmos import UtmosModel

HUBCONF = """
dependencies = ["torch", "torchaudio"]
from speechmos.utmos22.strong.model import UTMOS22Strong

URLS = {
    "utmos22_strong": "ADDRESS/utmos22_strong_step7459_v1.pt",
}

def utmos22_strong(progress=True, pretrained=True):
    assert not pretrained
    return UTMOS22Strong()
"""
MODEL = """
import torch

class UTMOS22Strong(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.zeros(1))

    def forward(self, wave, sr):
        assert sr == 16000
        return self.scale * wave.abs().mean(dim=1)
"""


class Marker:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._file,)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a server publishes: both files of weights. The caches are empty but for UTMOS's code."""
    folder = tmp_path / "published"
    folder.mkdir()
    torch.save({"scale": torch.tensor([3.0])}, folder / "utmos22_strong_step7459_v1.pt")
    content = b"weights" * 1_000_000
    digest = hashlib.sha256(content).hexdigest()
    (folder / digest).mkdir()
    (folder / digest / "large-v3.pt").write_bytes(content)

    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setitem(whisper._MODELS, "large-v3", f"{address}/{digest}/large-v3.pt")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    package = code(tmp_path) / "speechmos" / "utmos22" / "strong"
    package.mkdir(parents=True)
    (package / "model.py").write_text(MODEL)
    (code(tmp_path) / "hubconf.py").write_text(HUBCONF.replace("ADDRESS", address))
    yield folder
    server.shutdown()
    server.server_close()


def code(tmp_path: Path) -> Path:
    return tmp_path / "torch" / "hub" / "tarepan_SpeechMOS_v1.2.0"


def fetched(tmp_path: Path) -> list[Path]:
    return [
        tmp_path / "cache" / "whisper" / "large-v3.pt",
        tmp_path / "torch" / "hub" / "checkpoints" / "utmos22_strong_step7459_v1.pt",
    ]


def test_sizes_first_then_files_where_the_metrics_look(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "--evaluation", "--dry-run"]) == 0
    sizes = capsys.readouterr().out.splitlines()
    assert sizes == [
        "Whisper large-v3: 7 MB to fetch",
        "UTMOS (tarepan/SpeechMOS:v1.2.0): 0 MB to fetch",
        "together: 7 MB",
    ]
    assert not any(file.exists() for file in fetched(tmp_path))
    assert main(["download", "--evaluation"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == sizes
    assert all(file.is_file() for file in fetched(tmp_path))
    assert main(["download", "--evaluation"]) == 0
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines()] == ["is here already"] * 2
    assert UtmosModel()(np.full(100, 0.5, dtype=np.float32)) == pytest.approx(1.5)


def test_a_damaged_file_is_not_kept(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = published.glob("*/large-v3.pt")
    file.write_bytes(b"something else")
    assert main(["download", "--evaluation"]) == 2
    error = capsys.readouterr().err
    assert "Whisper large-v3: is not on this machine and cannot be fetched (invalid hash value" in error
    assert not fetched(tmp_path)[0].exists()


def test_without_a_network_one_line_says_so(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "list", unreachable)
    (code(tmp_path) / "hubconf.py").unlink()
    assert main(["download", "--evaluation"]) == 2
    streams = capsys.readouterr()
    assert streams.out == "" and streams.err.count("\n") == 1
    assert "UTMOS (tarepan/SpeechMOS:v1.2.0): is not on this machine and cannot be fetched" in streams.err


def test_utmos_and_dnsmos_have_packages_of_one_name(published: Path, tmp_path: Path) -> None:
    from speechmos import dnsmos

    assert main(["download", "--evaluation"]) == 0
    UtmosModel()(np.zeros(100, dtype=np.float32))
    import speechmos

    assert speechmos.dnsmos is dnsmos


def test_weights_run_no_code(published: Path, tmp_path: Path) -> None:
    torch.save({"scale": Marker(tmp_path / "ran")}, published / "utmos22_strong_step7459_v1.pt")
    assert main(["download", "--evaluation"]) == 0
    with pytest.raises(pickle.UnpicklingError):
        UtmosModel()(np.zeros(100, dtype=np.float32))
    assert not (tmp_path / "ran").exists()


def test_code_without_weights_is_not_enough(published: Path) -> None:
    with pytest.raises(Unavailable, match="idfacevc download --evaluation"):
        UtmosModel()

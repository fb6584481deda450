"""Weights that are not inside a bundle: whether they are on this machine, how large they are, and fetching them."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

from idfacevc.bundles import hub
from idfacevc.config.model import ModelSpec
from idfacevc.errors import InputError

# of facenet-pytorch's releases, trained on VGGFace2
FACENET = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt"
_SECONDS = 5


class RemoteWeights(Protocol):
    """Weights somewhere else: whether they are here too, the bytes still to be fetched, and fetching them."""

    @property
    def name(self) -> str: ...

    @property
    def here(self) -> bool: ...

    def size(self) -> int: ...

    def fetch(self, size: int) -> Path: ...


@dataclass
class Repository:
    """A repository of the hub."""

    name: str
    revision: str | None

    @property
    def here(self) -> bool:
        return hub.cached(self.name, self.revision) is not None

    def size(self) -> int:
        self._missing = hub.missing(self.name, self.revision)
        return sum(self._missing.values())

    def fetch(self, size: int) -> Path:
        return hub.fetch(self.name, self._missing, self.revision)


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights. `sha256` is empty where the publisher gives none."""

    name: str
    address: str
    file: Path
    sha256: str = ""

    @property
    def here(self) -> bool:
        """Whether the file was fetched before."""
        return self.file.is_file()

    def size(self) -> int:
        """Bytes to fetch; 0 where the publisher does not say."""
        request = urllib.request.Request(self.address, method="HEAD")
        with clear_errors(self.name), urllib.request.urlopen(request) as answer:
            return int(answer.headers["Content-Length"] or 0)

    def fetch(self, size: int) -> Path:
        """Fetch the file; it appears under its name when it is complete. `size` as `size()` told it."""
        import torch

        self.file.parent.mkdir(parents=True, exist_ok=True)
        with clear_errors(self.name):
            torch.hub.download_url_to_file(self.address, str(self.file), hash_prefix=self.sha256 or None)
            if size and self.file.stat().st_size != size:
                self.file.unlink()
                raise OSError("the connection broke off")
        return self.file


def weights_of(model: ModelSpec, training: bool) -> list[RemoteWeights]:
    """What a model needs beside its bundle and the installed packages; the speech backbone only while training."""
    wanted: list[RemoteWeights] = []
    backbone = model.face.backbone
    if backbone.kind == "facenet":
        wanted.append(WeightsFile("FaceNet (VGGFace2)", FACENET, Path(backbone.name)))
    named: list[RemoteWeights] = []
    if backbone.kind == "clip":
        named.append(Repository(backbone.name, backbone.revision))
    if training and model.speech.kind == "clap_safpq":
        named.append(Repository(model.speech.name, model.speech.revision))
    return wanted + [one for one in named if hub.is_id(one.name) and not Path(one.name).is_dir()]


@contextmanager
def clear_errors(name: str) -> Iterator[None]:
    """Failures of the network as one line, within seconds."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS)  # torch.hub offers no timeout of its own
    try:
        yield
    except (OSError, HTTPException, BadZipFile, RuntimeError) as error:
        raise InputError(f"{name}: is not on this machine and cannot be fetched ({error})") from error
    finally:
        socket.setdefaulttimeout(before)

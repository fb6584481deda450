"""The weights of the paper tier: how large they are, and fetching them to where the metrics look for them."""

from __future__ import annotations

import io
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from zipfile import BadZipFile

from idfacevc.errors import InputError
from idfacevc.evaluation.metrics import utmos
from idfacevc.evaluation.metrics.base import Unavailable, require
from idfacevc.evaluation.metrics.recognition import WHISPER, whisper_file

_SECONDS = 5


@dataclass(frozen=True)
class Weights:
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
        with _clear_errors(self.name), urllib.request.urlopen(request) as answer:
            return int(answer.headers["Content-Length"] or 0)

    def fetch(self, size: int) -> Path:
        """Fetch the file; it appears under its name when it is complete. `size` as `size()` told it."""
        import torch

        self.file.parent.mkdir(parents=True, exist_ok=True)
        with _clear_errors(self.name):
            torch.hub.download_url_to_file(self.address, str(self.file), hash_prefix=self.sha256 or None)
            if size and self.file.stat().st_size != size:
                self.file.unlink()
                raise OSError("the connection broke off")
        return self.file


def paper_weights() -> list[Weights]:
    """Weights of the paper tier. Fetches the code of UTMOS, some kilobytes, where it is missing: it names its weights.

    Raises:
        InputError: where a package is missing or the code cannot be fetched.
    """
    try:
        require("openai-whisper", "whisper")
        require("torchaudio")
    except Unavailable as reason:
        raise InputError(str(reason)) from reason
    import whisper

    address = whisper._MODELS[WHISPER]  # .../<sha256>/<file>
    return [
        Weights(f"Whisper {WHISPER}", address, whisper_file(WHISPER), address.split("/")[-2]),
        _utmos(),
    ]


def _utmos() -> Weights:
    import torch

    name = f"UTMOS ({utmos.REPOSITORY})"
    if utmos.weights_address() is None:
        # What torch.hub says on stdout is no part of the list of sizes.
        with _clear_errors(name), utmos.own_speechmos(), redirect_stdout(io.StringIO()):
            torch.hub.list(utmos.REPOSITORY, skip_validation=True, trust_repo=True, verbose=False)
    address = utmos.weights_address()
    if address is None:
        raise InputError(f"{name}: its code in {utmos.code_folder()} names no weights; delete that folder")
    return Weights(name, address, utmos.weights_file(address))


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """Failures of the network as one line, within seconds."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS)  # torch.hub offers no timeout of its own
    try:
        yield
    except (OSError, HTTPException, BadZipFile, RuntimeError) as error:
        raise InputError(f"{name}: is not on this machine and cannot be fetched ({error})") from error
    finally:
        socket.setdefaulttimeout(before)

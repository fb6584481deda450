"""A running service on the tiny bundle: the real application behind the real server, on a free port of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi")
import uvicorn

from idfacevc.api import IDFaceVC
from idfacevc.serve.app import build_app
from idfacevc.serve.model import EXAMPLE_PHOTO, Model
from idfacevc.serve.service import Limits
from idfacevc.serve.voices import VoiceStore
from idfacevc.text.speakers import kokoro
from idfacevc.vclip import Vclip
from tests.vclip.material import small_vclip


@contextmanager
def running(
    load: Callable[[], Model], limits: Limits | None = None, key: str | None = None, keep: Path | None = None
) -> Iterator[str]:
    """The address of a service, which ends with the block."""
    app = build_app(load, VoiceStore(keep), limits or Limits(), key)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def model(tiny_bundle: Path) -> Model:
    return Model(IDFaceVC.from_pretrained(tiny_bundle), "espeak")


@pytest.fixture(scope="session")
def both(model: Model, tiny_bundle: Path) -> Model:
    """The tiny bundle's model with a small Vclip beside it, which speaks by Kokoro."""
    if not kokoro.available():
        pytest.skip("needs the extra kokoro")
    return Model(model.vc, "espeak", Vclip(small_vclip(tiny_bundle), model.vc.faces, model.vc.tower))


@pytest.fixture(scope="session")
def address(model: Model) -> Iterator[str]:
    with running(lambda: model) as url:
        wait_for(url)
        yield url


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """A client of a service without any voice."""
    with httpx.Client(base_url=address, timeout=60) as client:
        for voice in client.get("/v1/voices").json()["data"]:
            client.delete(f"/v1/voices/{voice['id']}")
        yield client


def wait_for(url: str) -> None:
    while httpx.get(f"{url}/healthz").status_code == 503:
        time.sleep(0.05)


def add_voice(client: httpx.Client, name: str = "anna") -> str:
    answer = client.post("/v1/voices", files={"image": EXAMPLE_PHOTO.read_bytes()}, data={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"][0]["id"]

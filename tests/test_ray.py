"""The same bytes from a cluster as from one process: `batch --engine ray`, and the service as a deployment."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from idfacevc.cli.main import main
from tests.serve.conftest import add_voice
from tests.test_cli import read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
SENTENCE = "We say something short."


def test_a_batch_is_the_same_on_a_cluster(
    tiny_bundle: Path, photo_path: Path, speech_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray")
    table = tmp_path / "jobs.csv"
    rows = [f"{photo_path},{speech_path},,a.wav", f"{photo_path},,{SENTENCE},b.flac", f"missing.png,,{SENTENCE},c.wav"]
    table.write_text("\n".join(["face,audio,text,output", *rows]))
    for engine in ("local", "ray"):
        out = ["--out-dir", str(tmp_path / engine), "--checkpoint", str(tiny_bundle), "--engine", engine]
        assert main(["batch", str(table), *out]) == 1  # for the third row
        assert "row 3: " in capfd.readouterr().err
    assert sorted(path.name for path in (tmp_path / "ray").iterdir()) == ["a.wav", "b.flac"]
    for name in ("a.wav", "b.flac"):
        one, other = (read(tmp_path / engine / name) for engine in ("local", "ray"))
        assert len(one) and (one == other).all()


@contextmanager
def served(folder: Path, *options: str) -> Iterator[httpx.Client]:
    """A client of `idfacevc serve` in a process of its own, on a free port."""
    command = [sys.executable, "-m", "idfacevc.cli.main", "serve", "--keep", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "idfacevc serves" in line)
            address = next(word for word in line.split() if word.startswith("http")).rstrip("/")
            with httpx.Client(base_url=address, timeout=300) as client:
                yield client
        finally:
            process.terminate()
            process.wait(120)


def test_a_deployment_gives_what_one_process_gives(tiny_bundle: Path, speech_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    model = ["--checkpoint", str(tiny_bundle), "--base-speaker", "espeak"]
    answers = []
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    for options in (["--port", "0"], ["--port", port, "--engine", "ray", "--replicas", "2"]):
        with served(tmp_path / "voices", *options, *model) as client:
            while client.get("/healthz").status_code == 503:
                time.sleep(0.5)
            if not answers:
                add_voice(client)
            said = client.post("/v1/audio/speech", json={"input": SENTENCE, "voice": "anna", "response_format": "pcm"})
            form = {"voice": "anna", "response_format": "pcm"}
            files = {"file": speech_path.read_bytes()}
            converted = client.post("/v1/audio/conversions", files=files, data=form)
            missing = client.post("/v1/audio/speech", json={"input": SENTENCE, "voice": "nobody"})
            statuses = [one.status_code for one in (said, converted, missing)]
            assert statuses == [200, 200, 404], (said.content[:300], converted.content[:300])
            answers.append((said.content, converted.content))
    assert len(answers[0][0]) > 10_000 and answers[0] == answers[1]

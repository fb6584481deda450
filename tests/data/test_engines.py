"""One output, whoever does the work: this process, several, a Ray cluster, or several runs that were killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from idfacevc.cluster import input_error_of
from idfacevc.config.face import ClipSpec, FaceSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.speech import ClapSafpqSpec
from idfacevc.data.corpora.item import Item
from idfacevc.data.corpora.lrs3 import lrs3_items
from idfacevc.data.features import FeatureSpec
from idfacevc.data.prepare import prepare
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError
from tests.lrs3_corpus import write_lrs3
from tests.pretrained_models import CLAP_DIM, CLIP_DIM, write_clap, write_clip

pytest.importorskip("skimage")


def test_ray_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'idfacevc\[scale\]'"):
        prepare([Item("a", "b", audio="c")], FeatureSpec(FrontEndSpec()), tmp_path, progress=False, engine="ray")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven clips with the weights and the configuration that prepare them; one clip is broken."""
    folder = tmp_path_factory.mktemp("corpus")
    write_lrs3(folder / "LRS3", speakers=4, clips=3, seconds=0.8)
    next((folder / "LRS3/pretrain").glob("*/00001.mp4")).write_bytes(b"broken")
    write_clip(folder / "clip")
    write_clap(folder / "clap")
    return folder


def spec_of(corpus: Path) -> FeatureSpec:
    face = FaceSpec(ClipSpec(name=str(corpus / "clip"), revision=None), token_dim=CLIP_DIM, max_frames=4)
    speech = ClapSafpqSpec(name=str(corpus / "clap"), revision=None, token_dim=CLAP_DIM)
    return FeatureSpec(FrontEndSpec(), speech, face)


def make(corpus: Path, out: Path, **options: object) -> dict[str, bytes]:
    prepare(lrs3_items(corpus / "LRS3"), spec_of(corpus), out, shard_clips=2, progress=False, **options)  # type: ignore[arg-type]
    return content(out)


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What this process alone makes."""
    made = make(corpus, tmp_path_factory.mktemp("expected"), workers=1)
    assert len(json.loads(made["index.json"])["shards"]) == 6
    assert made["rejected.tsv"].count(b"\n") == 2
    return made


@pytest.mark.slow
def test_processes(corpus: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    assert make(corpus, tmp_path, workers=2) == expected


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ray(corpus: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster that the test starts; a fault inside it arrives as its own line."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        assert make(corpus, tmp_path / "out", workers=2, engine="ray") == expected
        (corpus / "clap").rename(corpus / "moved")
        try:
            with pytest.raises(InputError, match=r"clap is not on this machine; run `idfacevc download`"):
                make(corpus, tmp_path / "fault", workers=1, engine="ray")
        finally:
            (corpus / "moved").rename(corpus / "clap")
        assert ray.is_initialized(), "a cluster that was there is left running"
    finally:
        ray.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_a_ray_of_ones_own_listens_to_this_machine_alone(
    corpus: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    pytest.importorskip("ray")
    before = listening()
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            seen.update(listening() - before)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        assert make(corpus, tmp_path / "out", workers=1, engine="ray") == expected
    finally:
        done.set()
        looking.join()
    assert seen, "nothing was seen to listen"
    loopback = ("0100007F:", "00000000000000000000000001000000:", "0000000000000000FFFF00000100007F:")
    assert not [one for one in seen if not one.startswith(loopback)]


def listening() -> set[str]:
    """Addresses of the TCP sockets of this process and its descendants that listen, as the kernel writes them."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    sockets = set()
    for handle in (link for process in ours for link in Path(f"/proc/{process}/fd").glob("*")):
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(handle))
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def test_the_reason_is_found_under_what_ray_wraps_around_it() -> None:
    outer = RuntimeError("task failed")
    outer.cause = ValueError("actor died")  # type: ignore[attr-defined]
    outer.cause.__cause__ = InputError("x.mp4: is empty")  # type: ignore[attr-defined]
    assert str(input_error_of(outer)) == "x.mp4: is empty"
    assert input_error_of(RuntimeError("task failed")) is None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_at_any_moment_lose_and_double_nothing(corpus: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """Killed again and again: the first time the parent of two processes, which then end by themselves."""
    out, config = tmp_path / "out", tmp_path / "model.yaml"
    spec = spec_of(corpus)
    assert spec.face is not None and spec.speech is not None
    model = {"face": asdict(spec.face), "speech": asdict(spec.speech)}
    config.write_text(json.dumps({"model": {"init_args": {"model": model}}}))
    script = (
        "import sys; from pathlib import Path; from idfacevc.config.training_files import read_model;"
        "from idfacevc.data.features import FeatureSpec; from idfacevc.data.corpora.lrs3 import lrs3_items;"
        "from idfacevc.data.prepare import prepare\n"
        "if __name__ == '__main__':\n"
        "    model = read_model([sys.argv[1]])\n"
        "    spec = FeatureSpec(model.front_end, model.speech, model.face)\n"
        "    items, out, workers = lrs3_items(Path(sys.argv[2])), Path(sys.argv[3]), int(sys.argv[4])\n"
        "    prepare(items, spec, out, workers, shard_clips=2, progress=False)\n"
    )
    (tmp_path / "run.py").write_text(script)
    command = [sys.executable, str(tmp_path / "run.py"), str(config), str(corpus / "LRS3"), str(out)]
    rng = np.random.default_rng(0)
    kept: dict[str, int] = {}
    for attempt in range(3):
        process = subprocess.Popen([*command, "2" if attempt == 0 else "1"], start_new_session=True)
        finished = len(list(out.glob("shard-*")))
        while len(list(out.glob("shard-*"))) <= finished and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until_gone(process.pid)
        now = {path.name: path.stat().st_mtime_ns for path in out.glob("shard-*")}
        assert kept.items() <= now.items(), "a finished shard was lost or made again"
        kept = now
    assert len(kept) >= 2, "the kills came too late to mean anything"
    subprocess.run([*command, "1"], check=True)
    assert content(out) == expected
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in out.glob("shard-*")}.items()
    clips = [clip.id for clip in FeatureStore(out).clips]
    assert len(clips) == len(set(clips))


def wait_until_gone(session: int) -> None:
    """The processes of a session end with their parent."""
    deadline = time.time() + 60
    while time.time() < deadline:
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(session, signal.SIGKILL)
    pytest.fail("processes outlived the one that started them")

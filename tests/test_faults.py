"""What ends a command early: one line, the right status, nothing overwritten."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idfacevc.audio import io as audio_io
from idfacevc.audio.limiter import limited
from idfacevc.audio.output import save_audio
from idfacevc.bundles.model import available_bundles, read_spec, resolve
from idfacevc.cli.batch import read_rows
from idfacevc.cli.faults import status_of
from idfacevc.cli.main import main
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.training_files import read_model
from idfacevc.data.corpora.folder import read_folder
from idfacevc.errors import InputError
from idfacevc.evaluation.pairs import read_outputs
from idfacevc.evaluation.scores import ScoreCache
from idfacevc.face.image import load_image
from idfacevc.files import distinct, readable, write_whole
from idfacevc.pipeline.options import ConversionOptions
from idfacevc.pipeline.plot import plot_conversion
from idfacevc.text.style import load_styles
from idfacevc.types import Voice
from tests.conftest import vowels, write_tiny_bundle


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InputError("a: is empty"), 2, "a: is empty"),
        (OSError(28, "No space left on device", "out.wav"), 1, "out.wav: No space left on device"),
        (PermissionError(13, "Permission denied", "/root/x"), 1, "/root/x: Permission denied"),
        (MemoryError(), 1, "not enough memory"),
        (ZeroDivisionError("division by zero"), 1, "ZeroDivisionError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_one_line_and_a_status(capsys, error, status, words):
    assert status_of(error, debug=False) == status
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and words in said


def test_sigterm_ends_with_143_and_one_line(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom idfacevc.cli import main as m\n"
        "m._run = lambda *a: print('ready', flush=True) or time.sleep(60)\nsys.exit(m.main([]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert [line for line in said.splitlines() if line.startswith("idfacevc")] == ["idfacevc: error: terminated"]
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_without_room_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        code = (
            "import sys\nfrom idfacevc.cli import main as m\nm._run = lambda *a: print('hi') or 0\nsys.exit(m.main([]))"
        )
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_what_is_read_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"sound")
    (tmp_path / "link.wav").symlink_to(file)
    with pytest.raises(InputError, match="overwrite"):
        distinct(tmp_path / "link.wav", None, file)
    distinct(tmp_path / "b.wav", file, np.zeros(3))
    status = main(["convert", "--face", str(file), "--text", "Hi.", "-o", str(file)])
    assert status == 2 and file.read_bytes() == b"sound"


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file may grow beyond 20 kB, which libraries meet as they meet a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _figure(path: Path) -> None:
    plot_conversion(path, Image.new("RGB", (80, 80)), vowels(1.0), vowels(1.0), FrontEndSpec())


BIG = np.zeros(10_000, np.float32)
WRITERS: dict[str, Callable[[Path], object]] = {
    "out.wav": lambda path: save_audio(path, vowels(5.0), 16_000, watermark=False),
    "out.mp3": lambda path: save_audio(path, vowels(20.0), 16_000, watermark=False),
    "out.flac": lambda path: save_audio(path, vowels(5.0), 16_000, watermark=False),
    "voice.safetensors": lambda path: Voice(BIG, BIG, BIG[None], "x").save(path),
    "figure.png": _figure,
    "report.html": lambda path: write_whole(path, "a" * 100_000),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_line_with_the_name_and_leaves_nothing(
    tmp_path: Path, no_room: None, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(OSError) as caught:
        WRITERS[name](tmp_path / "out" / name)
    assert status_of(caught.value, debug=False) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and name in said and "File too large" in said
    assert os.listdir(tmp_path / "out") == []


def test_full_temporary_files_are_told_as_such(no_room: None) -> None:
    with pytest.raises(OSError, match="temporary files in"):
        audio_io._spool([np.zeros(30_000, np.float32)])


def test_a_full_cache_of_an_evaluation(tmp_path: Path, no_room: None) -> None:
    cache = ScoreCache(tmp_path / "cache.sqlite")
    with pytest.raises(OSError, match=r"cache\.sqlite"):
        cache.put("a", [(str(number), "x" * 1000) for number in range(50)])


@pytest.mark.parametrize("content", [b"no database, but long enough to be looked at" * 40, "table", "value"])
def test_a_damaged_cache_of_an_evaluation(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "cache.sqlite"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE found (analyser TEXT, content TEXT, value TEXT)" if content == "value" else
                             "CREATE TABLE found (other TEXT)")  # fmt: skip
            if content == "value":
                database.execute("INSERT INTO found VALUES ('a', 'b', '{')")
    with pytest.raises(InputError, match=r"cache\.sqlite: cannot be used .*delete it"):
        ScoreCache(path).get("a")


def _as_somebody_else(check: Callable[[], object]) -> None:
    """Run a check in a process without root's rights."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            if os.geteuid() == 0:
                os.setuid(65534)
            check()
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_may_not_be_entered_is_passed_over_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = tmp_path / "locked"
    (locked / "mine").mkdir(parents=True)
    (locked / "mine" / "config.json").write_text("{}")
    locked.chmod(0)
    monkeypatch.setenv("IDFACEVC_CHECKPOINTS", str(locked))
    monkeypatch.setenv("XDG_CACHE_HOME", str(locked))
    tmp_path.chmod(0o755)

    def refused(call: Callable[..., object], *given: object) -> None:
        try:
            call(*given)
        except InputError:
            return
        raise AssertionError("was not refused")

    def check() -> None:
        assert "mine" not in available_bundles()
        refused(resolve, "mine")
        refused(resolve, str(locked / "mine"))
        refused(resolve, str(locked))
        refused(read_spec, locked / "mine")

    _as_somebody_else(check)
    locked.chmod(0o755)
    assert "mine" in available_bundles()


@pytest.mark.skipif(not hasattr(os, "umask"), reason="needs a umask")
def test_what_is_written_has_the_rights_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_tiny_bundle(tmp_path / "bundle")
        Voice(BIG, BIG, BIG[None], "x").save(tmp_path / "voice.safetensors")
        save_audio(tmp_path / "out.wav", BIG, 16_000, watermark=False)
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5 and {path.stat().st_mode & 0o777 for path in files} == {0o640}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("read", [read_folder, read_outputs, lambda path: read_model([str(path)]), load_styles])
def test_tables_and_settings_that_nobody_writes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    monkeypatch.setattr("idfacevc.files._PATIENCE", 0.2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="nothing came"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize(
    "content", ["a: [1", "- 1", "\x00", "a: !!python/name:os.system", "&a [*a]", "model: 3", "model: {model: [1]}",
                "model: {init_args: 5}", "model: {init_args: {model: {memory: {slots: x}}}}"],
)  # fmt: skip
def test_malformed_settings_are_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.yaml").write_text(content)
    with pytest.raises(InputError) as caught:
        read_model([str(tmp_path / "model.yaml")])
    assert "\n" not in str(caught.value)


def test_samples_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="no finite numbers"):
        list(limited([np.array([0.0, np.nan])], 16_000))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_picture_comes_through_a_pipe(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes((tmp_path / "a.png").read_bytes()))
    writer.start()
    assert load_image(pipe).size == (40, 30)
    writer.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idfacevc.files._PATIENCE", 0.2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="nothing came"), readable(tmp_path / "pipe", "table"):
        pass


def test_devices_and_folders_are_no_files(tmp_path: Path) -> None:
    for path in (os.devnull, tmp_path, tmp_path / ("a" * 300)):
        with pytest.raises(InputError), readable(path, "recording"):
            pass


def test_a_whole_book_fits_in_a_cell(tmp_path: Path) -> None:
    table = tmp_path / "jobs.csv"
    table.write_text('face,text,output\nf.jpg,"' + "Hi there. " * 14_000 + '",a.wav\nf.jpg,Hi.,b.wav\n')
    assert len(read_rows(table)) == 2


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": 2**64}, {"language": "../en"}, {"language": ""},
                                     {"speaker": -1}])  # fmt: skip
def test_options_out_of_range(options):
    with pytest.raises(InputError):
        ConversionOptions(**options)

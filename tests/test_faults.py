"""What ends a command early: one line, the right status, nothing overwritten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idfacevc.cli.batch import read_rows
from idfacevc.cli.faults import status_of
from idfacevc.cli.main import main
from idfacevc.errors import InputError
from idfacevc.face.image import load_image
from idfacevc.files import distinct, readable
from idfacevc.pipeline.options import ConversionOptions


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
    begun = time.perf_counter()
    with pytest.raises(InputError, match="nothing came"), readable(tmp_path / "pipe", "table"):
        pass
    assert time.perf_counter() - begun < 20


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

"""Licences of a configuration: every part named, and what may not be used commercially refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from idfacevc.bundles.licences import licences
from idfacevc.cli.main import main
from idfacevc.text.speakers.registry import NAMES
from tests.conftest import write_tiny_bundle

DEMO = Path(__file__).parents[1] / "checkpoints/demo"

demo = pytest.mark.skipif(not (DEMO / "config.json").exists(), reason="checkpoints/demo is not in this checkout")


@demo
def test_the_demo_may_be_used_commercially_and_mms_tts_may_not(capsys: pytest.CaptureFixture[str]) -> None:
    own = ["info", "--checkpoint", str(DEMO)]
    assert main([*own, "--licences", "--commercial", "--base-speaker", "espeak"]) == 0
    out = capsys.readouterr().out
    for part in ("watermark perth", "checkpoint demo", "face backbone tower", "base speaker espeak"):
        assert part in out
    assert main([*own, "--commercial", "--base-speaker", "vits"]) == 2
    assert "MMS-TTS" in capsys.readouterr().err


@demo
def test_every_base_speaker_has_a_stated_licence() -> None:
    for name in NAMES:
        assert all(one.terms != "not stated" for one in licences(str(DEMO), None, name))


def test_what_nobody_stated_is_refused_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_tiny_bundle(tmp_path / "mine")
    arguments = ["convert", "--checkpoint", str(bundle), "--commercial", "--face", "absent.jpg", "--text", "Hello."]
    assert main([*arguments, "-o", str(tmp_path / "a.wav")]) == 2
    error = capsys.readouterr().err
    assert "--commercial" in error and "not stated" in error and len(error.splitlines()) == 1

"""Settings of a training are merged key by key."""

from pathlib import Path

import pytest

from idfacevc.config.training_files import read_settings
from idfacevc.errors import InputError


def test_later_files_and_options_change_what_they_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: {losses: {one: {weight: 1, l1: 2}, two: {}}, optim: {milestones: [1, 2]}}")
    (tmp_path / "b.yaml").write_text("model: {losses: {two: null}, optim: {milestones: [3], lr: 1e-4}}")
    settings, rest = read_settings(
        ["--config", str(tmp_path / "a.yaml"), f"--config={tmp_path / 'b.yaml'}", "--model.losses.one.weight", "0.5",
         "--data.root=a: b", "--ckpt_path", "last", "--trainer.callbacks+", "Timer", "--model.help", "--print_config"]
    )  # fmt: skip
    assert settings == {
        "model": {"losses": {"one": {"weight": 0.5, "l1": 2}, "two": None}, "optim": {"milestones": [3], "lr": 1e-4}},
        "data": {"root": {"a": "b"}},
    }
    assert rest == ["--ckpt_path", "last", "--trainer.callbacks+", "Timer", "--model.help", "--print_config"]


def test_what_is_no_configuration_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1")
    for name, message in (("absent.yaml", "no such file"), ("list.yaml", "is no YAML file of settings")):
        with pytest.raises(InputError, match=message):
            read_settings(["--config", str(tmp_path / name)])

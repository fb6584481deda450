"""A package that is not there, and one that is there but cannot be imported, are two faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from idfacevc.errors import InputError, optional


def test_an_absent_package_is_what_the_message_says() -> None:
    with pytest.raises(InputError, match="install it"), optional("no_such_package", "install it"):
        import no_such_package  # noqa: F401


@pytest.mark.parametrize("line", ["import no_such_dependency", "raise ImportError('no_such_dependency')"])
def test_a_package_that_lacks_something_is_not_called_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / "half_installed.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    with (
        pytest.raises(InputError, match=r"half_installed is installed, but .*no_such_dependency"),
        optional("half_installed", "install it"),
    ):
        import half_installed  # noqa: F401

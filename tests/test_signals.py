"""A signal arrives as the exception that was asked for, whatever it interrupts."""

from __future__ import annotations

import os
import signal

import pytest

from idfacevc.signals import raising


class Asked(BaseException):
    pass


def test_a_signal_that_became_another_error_is_still_the_signal() -> None:
    with pytest.raises(Asked), raising(signal.SIGUSR1, Asked):
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
            while True:
                pass
        except Asked:
            raise RuntimeError("the file could not be finished") from None


def test_other_errors_pass_and_the_handler_of_before_is_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(ZeroDivisionError), raising(signal.SIGUSR1, Asked):
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGUSR1) is before

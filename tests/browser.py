"""A real browser without a window, for tests of pages."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses its sandbox to root, who runs containers
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def open_browser(folder: Path) -> Chrome:
    """Chromium, whose profile and downloads (in `saved`) lie in the folder; skips where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "saved")})
    return Chrome(options, ChromeService(driver))


def wait(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Until it holds; an `AssertionError` where it does not in time."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "the page did not get there"
        time.sleep(0.05)

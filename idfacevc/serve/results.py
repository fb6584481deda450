"""Files that the page's browsers fetch, for the minutes that they need."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

KEPT = 600  # seconds
_BETWEEN = 60  # seconds between two looks at what is too old


class ResultFolder:
    """A temporary folder with a folder for each answer."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="idfacevc-page-"))

    def new(self) -> Path:
        """A folder for one answer."""
        return Path(tempfile.mkdtemp(prefix="answer-", dir=self.path))

    async def sweep(self) -> None:
        """Remove, now and then and for ever, the answers that are older than `KEPT`."""
        while True:
            await asyncio.sleep(_BETWEEN)
            for folder in self.path.glob("answer-*"):
                if time.time() - folder.stat().st_mtime > KEPT:
                    shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.path, ignore_errors=True)

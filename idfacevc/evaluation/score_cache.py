"""Analysers over many files: each file once, cached by its content, on several processes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.item import audio_source, open_member
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, Scorer
from idfacevc.evaluation.parallel import map_processes

_CHUNK = 8  # files a task: enough to batch, few enough that a killed run loses little


class ScoreCache:
    """What analysers found, by analyser name and content hash of the file, in one SQLite file.

    Raises:
        InputError: for a file that is damaged, or no such cache.
        OSError: where there is no more room.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._database() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS found (analyser TEXT, content TEXT, value TEXT, UNIQUE (analyser, content))"
            )

    def get(self, analyser: str) -> dict[str, Any]:
        """Everything that `analyser` found so far, by content hash."""
        with self._database() as database:
            rows = database.execute("SELECT content, value FROM found WHERE analyser = ?", (analyser,))
            try:
                return {content: json.loads(value) for content, value in rows}
            except (ValueError, TypeError) as error:
                raise self._damaged(error) from error

    def put(self, analyser: str, values: Iterable[tuple[str, Any]]) -> None:
        """Keep values by content hash."""
        with self._database() as database:
            rows = [(analyser, content, json.dumps(value)) for content, value in values]
            database.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?)", rows)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self._path, timeout=60)
            try:
                with database:
                    yield database
            finally:
                database.close()
        except sqlite3.Error as error:
            if "disk is full" in str(error) or "disk I/O error" in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path)) from error
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> InputError:
        return InputError(f"{self._path}: cannot be used ({error}); without it everything is measured again: delete it")


def content_hash(clip: str) -> str:
    """SHA-256 of the bytes of a file, or of a member of an archive ("archive.zip::member")."""
    with open_member(clip) as handle:
        return hashlib.sha256(handle.read()).hexdigest()


class _Chunk:
    def __init__(self, analyser: Scorer) -> None:
        self._analyser = analyser

    def __call__(self, clips: Sequence[str]) -> list[Any]:
        return self._analyser.many([load_audio(audio_source(clip), SAMPLE_RATE) for clip in clips])


def analyse(analyser: Scorer, clips: Iterable[str], cache: ScoreCache, workers: int) -> dict[str, Any]:
    """What `analyser` finds in each clip; only contents that the cache does not know are looked at.

    Args:
        clips: audio files, or members of archives ("archive.zip::member").

    Raises:
        InputError: for a file that cannot be read as audio.
    """
    contents = {clip: content_hash(clip) for clip in dict.fromkeys(clips)}
    known = cache.get(analyser.name)
    missing = list({content: clip for clip, content in contents.items() if content not in known}.items())
    chunks = [missing[start : start + _CHUNK] for start in range(0, len(missing), _CHUNK)]
    if chunks:
        results = map_processes(
            _Chunk(analyser), [[clip for _, clip in chunk] for chunk in chunks], workers, analyser.name
        )
        for chunk, values in zip(chunks, results, strict=True):
            found = [(content, value) for (content, _), value in zip(chunk, values, strict=True)]
            cache.put(analyser.name, found)
            known.update(found)
    return {clip: known[content] for clip, content in contents.items()}

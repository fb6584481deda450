"""Scores of clips: every scorer over every file, once per content, on several processes."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import multiprocessing
import os
import signal
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.item import audio_source, open_member
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, Scorer, Unavailable
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.pitch import PitchContour, PitchTracker
from idfacevc.evaluation.metrics.recognition import FasterWhisper, Pocketsphinx, Whisper
from idfacevc.evaluation.metrics.sentences import MAX_SENTENCES, SentenceChooser, spoken_words
from idfacevc.evaluation.metrics.utmos import UtmosModel

T = TypeVar("T")
R = TypeVar("R")

_CHUNK = 8  # files a task: enough to batch, few enough that a killed run loses little


@dataclass
class Scores:
    """Results of the scorers by clip (path of a file, or "archive.zip::member").

    Attributes:
        embeddings: Speaker embeddings (256,) of `SpeakerEncoder`.
        pitches: Mean, median and voiced share of `PitchTracker`.
        contours: F0 contours of `PitchContour`.
        dnsmos, utmos: Scores of `DnsmosModel` and `UtmosModel`.
        words, faster_whisper, whisper: Transcripts of `Pocketsphinx`, `FasterWhisper` and `Whisper`.
        sentences: Choices of `SentenceChooser`.
        sentence_chance: Share of sentences that a guess gets right; NaN without a sentence test.
        models: Names of the scorers that ran, under the names above.
        missing: Reasons why others could not run.
    """

    embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    pitches: dict[str, Any] = field(default_factory=dict)
    contours: dict[str, list[float]] = field(default_factory=dict)
    dnsmos: dict[str, Any] = field(default_factory=dict)
    utmos: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    faster_whisper: dict[str, str] = field(default_factory=dict)
    whisper: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    sentence_chance: float = math.nan
    models: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class ClipScorer:
    """Runs scorers over clips and collects what they give in `scores`.

    Args:
        cache: Results of earlier runs.
        workers: Number of processes.
    """

    def __init__(self, cache: ScoreCache, workers: int) -> None:
        self._cache, self._workers = cache, workers
        self.scores = Scores()

    def run(self, key: str, make: Callable[[], Scorer], clips: Iterable[str]) -> dict[str, Any]:
        """Results by clip; empty, with the reason under `key` in `scores.missing`, where the scorer cannot run."""
        try:
            scorer = make()
        except Unavailable as reason:
            self.scores.missing[key] = str(reason)
            return {}
        self.scores.models[key] = scorer.name
        return score_clips(scorer, clips, self._cache, self._workers)

    def voices(self, clips: Iterable[str]) -> None:
        """Add embeddings and pitch of clips."""
        clips = list(clips)
        found = self.run("embeddings", SpeakerEncoder, clips)
        self.scores.embeddings.update({clip: np.asarray(vector) for clip, vector in found.items()})
        self.scores.pitches.update(self.run("pitches", PitchTracker, clips))

    def offline(self, clips: Sequence[str], transcripts: dict[str, str], contours: Sequence[str]) -> None:
        """The offline tier.

        Args:
            clips: All clips.
            transcripts: Words of those clips whose words are known.
            contours: Clips whose F0 contour is compared.
        """
        scores = self.scores
        self.voices(clips)
        scores.contours = self.run("contours", PitchContour, contours)
        scores.dnsmos = self.run("dnsmos", DnsmosModel, clips)
        scores.words = self.run("words", Pocketsphinx, transcripts)
        scores.faster_whisper = self.run("faster_whisper", FasterWhisper, clips)
        sentences = sorted({spoken_words(text) for text in transcripts.values()})
        # Several equal grammars where the list has more sentences than one grammar should hold.
        groups = max(1, -(-len(sentences) // MAX_SENTENCES))
        for group in (sentences[start::groups] for start in range(groups)):
            own = [clip for clip, text in transcripts.items() if spoken_words(text) in set(group)]
            found = self.run("sentences", lambda group=group: SentenceChooser(group), own)  # type: ignore[misc]
            scores.sentences.update(found)
        if scores.sentences:
            scores.sentence_chance = groups / len(sentences)

    def paper(self, clips: Sequence[str], transcripts: dict[str, str]) -> None:
        """The paper tier; arguments as in `offline`."""
        self.scores.utmos = self.run("utmos", UtmosModel, clips)
        self.scores.whisper = self.run("whisper", Whisper, transcripts)


class ScoreCache:
    """Results by scorer name and content hash of the file, in one SQLite file.

    Raises:
        InputError: The file is damaged, or no such cache.
        OSError: There is no more room.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._database() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS found (analyser TEXT, content TEXT, value TEXT, UNIQUE (analyser, content))"
            )

    def get(self, scorer: str) -> dict[str, Any]:
        """All results of `scorer`, by content hash."""
        with self._database() as database:
            rows = database.execute("SELECT content, value FROM found WHERE analyser = ?", (scorer,))
            try:
                return {content: json.loads(value) for content, value in rows}
            except (ValueError, TypeError) as error:
                raise self._damaged(error) from error

    def put(self, scorer: str, values: Iterable[tuple[str, Any]]) -> None:
        """Keep results by content hash."""
        with self._database() as database:
            rows = [(scorer, content, json.dumps(value)) for content, value in values]
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


def score_clips(scorer: Scorer, clips: Iterable[str], cache: ScoreCache, workers: int) -> dict[str, Any]:
    """Results of `scorer` by clip; files whose content the cache knows are not read again.

    Args:
        clips: Audio files, or members of archives ("archive.zip::member").

    Raises:
        InputError: A file cannot be read as audio.
    """
    contents = {clip: content_hash(clip) for clip in dict.fromkeys(clips)}
    known = cache.get(scorer.name)
    missing = list({content: clip for clip, content in contents.items() if content not in known}.items())
    chunks = [missing[start : start + _CHUNK] for start in range(0, len(missing), _CHUNK)]
    if chunks:
        results = map_processes(_Chunk(scorer), [[clip for _, clip in chunk] for chunk in chunks], workers, scorer.name)
        for chunk, values in zip(chunks, results, strict=True):
            found = [(content, value) for (content, _), value in zip(chunk, values, strict=True)]
            cache.put(scorer.name, found)
            known.update(found)
    return {clip: known[content] for clip, content in contents.items()}


def content_hash(clip: str) -> str:
    """SHA-256 of the bytes of a file, or of a member of an archive ("archive.zip::member")."""
    with open_member(clip) as handle:
        return hashlib.sha256(handle.read()).hexdigest()


class _Chunk:
    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __call__(self, clips: Sequence[str]) -> list[Any]:
        return self._scorer.many([load_audio(audio_source(clip), SAMPLE_RATE) for clip in clips])


_function: Callable[[Any], Any]


def map_processes(function: Callable[[T], R], items: Sequence[T], workers: int, label: str) -> Iterator[R]:
    """`function` of each item, in order. It travels to each process once and may load a model there at the first call.

    One worker, or fewer than eight items, stay in this process.
    """
    bar: Callable[..., Any] = lambda results: tqdm(results, total=len(items), desc=label, unit="", file=sys.stderr)  # noqa: E731
    if workers == 1 or len(items) < 8:
        yield from bar(map(function, items))
        return
    # Spawned, since forked processes inherit locked thread pools; each keeps to one thread, as they share the cores.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _install, (function,)) as pool:
        yield from bar(pool.map(_call, items))


def _install(function: Callable[[Any], Any]) -> None:
    global _function
    import torch

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal sends it to all: one line is the parent's to say
    warnings.simplefilter("ignore")  # of the libraries below; the parent process has its own filters
    torch.set_num_threads(1)
    _function = function


def _call(item: Any) -> Any:
    return _function(item)

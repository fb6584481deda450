"""Run a system over many (source, face) jobs, resumably."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from idfacevc.audio.output import save_audio
from idfacevc.data.corpora.item import audio_source
from idfacevc.evaluation.parallel import map_processes


class System(Protocol):
    """What evaluation asks of a converter; `idfacevc.IDFaceVC` is one."""

    def voice_from_face(self, image: Any, aligned: bool = False) -> Any: ...

    def convert(self, voice: Any, audio: Any = None, text: str | None = None, seed: int = 0) -> Any: ...

    def copy_synthesis(self, audio: Any) -> Any: ...


@dataclass(frozen=True, eq=False)
class TargetFace:
    """A picture. `image` is a path, or an RGB array (H, W, 3) uint8; `aligned` says that it is a face crop already."""

    name: str
    image: str | np.ndarray
    aligned: bool = False


@dataclass(frozen=True, eq=False)
class ConversionJob:
    """One file to make: `audio` or `text` in the voice of `face`, or copy-synthesis of `audio` where there is no face.

    `audio` is a file, or "archive.zip::member".
    """

    output: Path
    face: TargetFace | None = None
    audio: str | None = None
    text: str | None = None
    seed: int = 0


class ConversionWorker:
    """Does jobs with a system that it loads at the first one."""

    def __init__(self, load: Callable[[], System]) -> None:
        self._load = load
        self._voice: tuple[str, Any] | None = None

    @cached_property
    def _system(self) -> System:
        return self._load()

    def __call__(self, job: ConversionJob) -> None:
        if job.face is None:
            speech = self._system.copy_synthesis(audio_source(job.audio or ""))
        else:
            # Jobs of one face follow each other, and its voice is the slow step.
            if self._voice is None or self._voice[0] != job.face.name:
                self._voice = (job.face.name, self._system.voice_from_face(job.face.image, aligned=job.face.aligned))
            source: dict[str, Any] = {"text": job.text} if job.audio is None else {"audio": audio_source(job.audio)}
            speech = self._system.convert(self._voice[1], **source, seed=job.seed)
        save_audio(job.output, speech.samples, speech.sample_rate)


def run_jobs(jobs: Sequence[ConversionJob], load: Callable[[], System], workers: int) -> None:
    """Do all jobs whose output is not there yet. `load` is called once in each process."""
    waiting = sorted(
        (job for job in jobs if not job.output.exists()), key=lambda job: job.face.name if job.face else ""
    )
    if waiting:
        for _ in map_processes(ConversionWorker(load), waiting, workers, "converting"):
            pass


def checkpoint_digest(folder: Path) -> str:
    """Hash of a bundle's configuration and tensors: outputs of one digest may be reused."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")]):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

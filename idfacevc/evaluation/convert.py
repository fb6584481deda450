"""The outputs of a list: every pair converted, every source copy-synthesised, in several processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from idfacevc.audio.output import save_audio, save_recording
from idfacevc.evaluation.pairs import Pair
from idfacevc.evaluation.scores import map_processes

Speak = Callable[[str], tuple[Any, int]]


class System(Protocol):
    """A converter; `idfacevc.IDFaceVC` is one."""

    def voice_from_face(self, image: Any, aligned: bool = False) -> Any: ...

    def convert(self, voice: Any, audio: Any = None, text: str | None = None, seed: int = 0) -> Any: ...

    def copy_synthesis(self, audio: Any) -> Any: ...


@dataclass(frozen=True)
class Converted:
    """A list with its outputs.

    Attributes:
        pairs: Rows with their outputs. The source of a text is the base speaker's speech, where that was made here.
        copies: Copy-synthesis by source; empty without a checkpoint to make it.
    """

    pairs: list[Pair]
    copies: dict[str, str]


def convert_pairs(
    pairs: Sequence[Pair], checkpoint: Path, out: Path, load: Callable[[], System], speak: Speak, workers: int
) -> Converted:
    """Convert every pair and copy-synthesise every source into `out`/audio; files that are there are kept.

    Args:
        checkpoint: Folder of the bundle that `load` loads: outputs are named after its content.
        load: Called once in each process.
        speak: Base speaker, text to (samples, rate).
    """
    folder = out / "audio" / checkpoint_digest(checkpoint)
    jobs: dict[Path, ConversionJob] = {}
    done: list[Pair] = []
    copies: dict[str, str] = {}
    for pair in pairs:
        output = folder / f"{_digest(pair.utterance, pair.face)}.wav"
        jobs[output] = ConversionJob(output, pair.source, pair.say, pair.face, pair.aligned == "yes")
        source = pair.source
        if pair.say:
            spoken = folder / f"say-{_digest(pair.say)}.wav"
            if not spoken.exists():
                save_recording(spoken, *speak(pair.say))
            source = str(spoken)
        copy = folder / f"copy-{_digest(source)}.wav"
        jobs[copy] = ConversionJob(copy, source)
        copies[source] = str(copy)
        done.append(replace(pair, source=source, output=str(output)))
    # Jobs of one face follow each other: its voice is the slow step.
    waiting = sorted((job for job in jobs.values() if not job.output.exists()), key=lambda job: job.face)
    if waiting:
        for _ in map_processes(ConversionWorker(load), waiting, workers, "converting"):
            pass
    return Converted(done, copies)


@dataclass(frozen=True)
class ConversionJob:
    """A file to make: `audio` or `text` in the voice of `face`, or copy-synthesis of `audio` without a face."""

    output: Path
    audio: str
    text: str = ""
    face: str = ""
    aligned: bool = False


class ConversionWorker:
    """Does jobs in one process, with a system that it loads at the first one."""

    def __init__(self, load: Callable[[], System]) -> None:
        self._load = load
        self._voice: tuple[str, Any] | None = None

    @cached_property
    def _system(self) -> System:
        return self._load()

    def __call__(self, job: ConversionJob) -> None:
        if not job.face:
            speech = self._system.copy_synthesis(job.audio)
        else:
            if self._voice is None or self._voice[0] != job.face:
                self._voice = (job.face, self._system.voice_from_face(job.face, aligned=job.aligned))
            source: dict[str, Any] = {"text": job.text} if job.text else {"audio": job.audio}
            speech = self._system.convert(self._voice[1], **source)
        save_audio(job.output, speech.samples, speech.sample_rate)


def loader(checkpoint: Path) -> Callable[[], Any]:
    """A function that loads the bundle on the CPU, and that other processes can call."""
    from idfacevc.api import IDFaceVC

    return partial(IDFaceVC.from_pretrained, checkpoint, device="cpu")


def checkpoint_digest(folder: Path) -> str:
    """Hash of a bundle's configuration and tensors: outputs of one digest may be reused."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")]):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _digest(*parts: str) -> str:
    """Name of a file by what went into it: the contents of files that exist, the words of texts."""
    digest = hashlib.sha256()
    for part in parts:
        content = Path(part).read_bytes() if len(part) < 1000 and Path(part).is_file() else part.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:20]

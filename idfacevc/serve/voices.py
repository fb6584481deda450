"""The voices that the service knows by id: in memory, or in a folder that outlives it."""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from idfacevc.errors import InputError
from idfacevc.types import AnyVoice, load_voice

LARGEST = 1000  # voices of a store
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SUFFIX = ".safetensors"


class UnknownVoice(LookupError):
    """No voice has that id."""


@dataclass(frozen=True)
class Kept:
    """A voice of the store: its id, when it was made (seconds since 1970), and the voice."""

    id: str
    created: int
    voice: AnyVoice


class VoiceStore:
    """Voices by id, the oldest first.

    An id is letters, digits, - and _, at most 64, so that it is a file name and nothing else.

    Args:
        keep: folder in which each voice is a file ID.safetensors, and from which those of an earlier run, or of
            another process, are read; None keeps them in memory, until the process ends.
    """

    def __init__(self, keep: Path | None = None) -> None:
        self._keep = keep
        self._voices: dict[str, Kept] = {}
        if keep is not None:
            try:
                keep.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"{keep}: voices cannot be kept there ({error.strerror or error})") from error

    def add(self, voices: list[AnyVoice], name: str | None = None) -> list[Kept]:
        """Keep the candidates of one face; one gets the id `name`, several NAME-1, NAME-2, ...

        Raises:
            InputError: for a name that is no id or is taken, and where the store is full.
        """
        name = name or f"voice-{secrets.token_hex(8)}"
        ids = [name] if len(voices) == 1 else [f"{name}-{number}" for number in range(1, len(voices) + 1)]
        for new in ids:
            if not _ID.fullmatch(new):
                raise InputError(f"name {new[:80]!r} is no id; it is made of at most 64 letters, digits, - and _")
            if self._is_there(new):
                raise InputError(f"voice {new!r} is there already; delete it, or give another name")
        if len(self.ids()) + len(voices) > LARGEST:
            raise InputError(f"there are {LARGEST} voices already; delete some")
        kept = [Kept(one, int(time.time()), voice) for one, voice in zip(ids, voices, strict=True)]
        for one in kept:
            if self._keep is None:
                self._voices[one.id] = one
            else:
                one.voice.save(self._path(one.id))
        return kept

    def get(self, name: str) -> Kept:
        """The voice of that id; `UnknownVoice` where there is none."""
        if not _ID.fullmatch(name) or not self._is_there(name):
            raise UnknownVoice(name)
        if self._keep is None:
            return self._voices[name]
        path = self._path(name)
        return Kept(name, int(path.stat().st_mtime), load_voice(path))

    def ids(self) -> dict[str, int]:
        """When each voice was made, by id, the oldest first."""
        if self._keep is None:
            return {one.id: one.created for one in self._voices.values()}
        files = [(int(path.stat().st_mtime), path.stem) for path in self._keep.glob(f"*{_SUFFIX}")]
        return {name: created for created, name in sorted(files) if _ID.fullmatch(name)}

    def delete(self, name: str) -> None:
        """Forget a voice; `UnknownVoice` where there is none."""
        self.get(name)
        if self._keep is None:
            del self._voices[name]
        else:
            self._path(name).unlink(missing_ok=True)

    def _is_there(self, name: str) -> bool:
        return name in self._voices if self._keep is None else self._path(name).is_file()

    def _path(self, name: str) -> Path:
        assert self._keep is not None
        return self._keep / f"{name}{_SUFFIX}"


def as_file(voice: AnyVoice) -> bytes:
    """The bytes of a voice's safetensors file, which `idfacevc convert --voice` takes."""
    with tempfile.TemporaryDirectory(prefix="idfacevc-") as folder:
        path = Path(folder) / f"voice{_SUFFIX}"
        voice.save(path)
        return path.read_bytes()

"""Folders of files on the Hugging Face hub: cached, or fetched; without a network that fails within seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idfacevc.errors import InputError

_SECONDS = 5
_WEIGHTS = (".safetensors", ".bin")  # the first kind that a repository has is taken


def is_id(name: str) -> bool:
    """Whether `name` has the form "owner/name"."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None


def snapshot(repository: str, revision: str | None = None) -> Path:
    """The folder of a repository's configuration and weights, fetched if it is not in the cache."""
    return cached(repository, revision) or fetch(repository, missing(repository, revision), revision)


def cached(repository: str, revision: str | None = None) -> Path | None:
    """The folder of a repository that was fetched before, or None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        with _clear_errors(repository):
            folder = Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except InputError as error:
        if isinstance(error.__cause__, LocalEntryNotFoundError):
            return None
        raise
    return folder if any(folder.glob(f"*{suffix}") for suffix in _WEIGHTS) else None


def missing(repository: str, revision: str | None = None) -> dict[str, int]:
    """Names of a repository's configuration and weights, and the bytes still to be fetched of each."""
    from huggingface_hub import snapshot_download

    with _clear_errors(repository):
        listed: Any = snapshot_download(repository, revision=revision, etag_timeout=_SECONDS, dry_run=True)
    top = [file for file in listed if "/" not in file.filename]
    kind = next((kind for kind in _WEIGHTS if any(file.filename.endswith(kind) for file in top)), ".json")
    return {
        file.filename: (file.file_size or 0) if file.will_download else 0
        for file in top
        if file.filename.endswith((".json", ".txt", kind))
    }


def fetch(repository: str, names: dict[str, int], revision: str | None = None) -> Path:
    """Fetch the files that `missing` named. What broke off before is resumed."""
    from huggingface_hub import snapshot_download

    with _clear_errors(repository):
        return Path(snapshot_download(repository, revision=revision, etag_timeout=_SECONDS, allow_patterns=list(names)))


@contextmanager
def _clear_errors(repository: str) -> Iterator[None]:
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except (OSError, HFValidationError) as error:  # hub and network errors are all of these two
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{repository}: is not on this machine and cannot be fetched from the hub ({reason})"
        ) from error

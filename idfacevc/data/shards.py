"""Feature shards: safetensors files of many clips each, written whole or not at all, read by memory map.

`index.json` names the shards that belong together, so that one that is missing is noticed. A shard holds `mel`
(sum T, M) float16, `lf0` (sum T,) float32, `speech` (n_s, P, D) float16 and `face` (n_f, P, D) float16; the rows of its
clips stand as JSON in the header, with where in each array a clip lies.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from idfacevc.errors import InputError
from idfacevc.files import replacing

INDEX = "index.json"
ARRAYS = ("mel", "lf0", "speech", "face")
_HEADER = "shard"
_DTYPES = {"mel": torch.float16, "lf0": torch.float32, "speech": torch.float16, "face": torch.float16}


@dataclass(frozen=True)
class Clip:
    """One prepared clip: labels, and `rows` {array: [start, stop]} of its shard."""

    id: str
    speaker: str
    split: str
    gender: str
    age: str
    text: str
    rows: dict[str, list[int]]

    @property
    def frames(self) -> int:
        """Mel frames T, 0 without audio."""
        start, stop = self.rows.get("mel", (0, 0))
        return stop - start


def write_shard(
    path: Path, clips: Sequence[tuple[Any, dict[str, np.ndarray]]], rejected: Sequence[tuple[str, str]], key: str
) -> None:
    """Write items with their features; a file of that name is complete or absent.

    Args:
        clips: (item, {array: values}) pairs; mel (T, M), lf0 (T,), speech (P, D), face (V, P, D) with V views.
        rejected: (item id, reason) pairs.
        key: fingerprint of what the shard was made from.
    """
    parts: dict[str, list[Tensor]] = {}
    sizes = dict.fromkeys(ARRAYS, 0)
    rows = []
    for item, features in clips:
        where = {}
        for name, values in features.items():
            tensor = torch.from_numpy(np.asarray(values)).to(_DTYPES[name])
            if name == "speech":
                tensor = tensor[None]
            parts.setdefault(name, []).append(tensor)
            where[name] = [sizes[name], sizes[name] + len(tensor)]
            sizes[name] += len(tensor)
        rows.append(asdict(Clip(item.id, item.speaker, item.split, item.gender, item.age, item.text, where)))
    tensors = {name: torch.cat(pieces).contiguous() for name, pieces in parts.items()}
    header = {"key": key, "clips": rows, "rejected": list(rejected)}
    # one entry: safetensors keeps no order among several, and equal shards are to be equal files
    write_resumable(path, save(tensors or {"empty": torch.zeros(1)}, {_HEADER: json.dumps(header)}))


def write_resumable(path: Path, content: bytes) -> None:
    """Write a file that is complete or absent under its name.

    Raises:
        InputError: where it cannot be written, a full disk for instance.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); what is finished stays: make room and run "
            "the same command again"
        ) from error


def write_index(folder: Path, shards: Sequence[Path]) -> None:
    """Name the shards of a folder, in the order of their clips."""
    write_resumable(folder / INDEX, json.dumps({"shards": [path.name for path in shards]}, indent=1).encode())


def read_index(folder: Path) -> list[Path]:
    """The shards that a folder's index names.

    Raises:
        InputError: where there is no index, because no preparation came to its end there, or it is damaged.
    """
    path = folder / INDEX
    if not path.is_file():
        raise InputError(f"{folder} holds no finished features: run `idfacevc prepare` first, to its end")
    try:
        return [folder / str(name) for name in json.loads(path.read_bytes())["shards"]]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: is damaged; run the same `idfacevc prepare` again, it keeps what is done") from error


def read_header(path: Path) -> dict[str, Any]:
    """The shard's `key`, `clips` and `rejected`.

    Raises:
        InputError: for a shard that is missing or damaged.
    """
    with _opened(path) as handle:
        return json.loads(handle.metadata()[_HEADER])


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except (OSError, SafetensorError) as error:
        fault = "is damaged" if path.is_file() else "is missing"
        raise InputError(f"{path}: {fault}; run the same `idfacevc prepare` again, it makes that shard anew") from error


class FeatureStore:
    """All shards of a folder's index, as one list of clips over memory-mapped arrays.

    Safe to hand to worker processes: files are opened where they are first read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.paths = read_index(self.folder)
        self.clips: list[Clip] = []
        self._shard_of: list[int] = []
        for number, path in enumerate(self.paths):
            rows = read_header(path)["clips"]
            self.clips += [Clip(**row) for row in rows]
            self._shard_of += [number] * len(rows)
        self._open: dict[int, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def read(self, index: int, array: str, start: int = 0, stop: int | None = None) -> Tensor:
        """Rows [start, stop) of a clip's array, float32."""
        first, last = self.clips[index].rows[array]
        last = last if stop is None else min(last, first + stop)
        return self._slice(self._shard_of[index], array)[first + start : last].float()

    def _slice(self, shard: int, array: str) -> Any:
        if shard not in self._open:
            self._open[shard] = _opened(self.paths[shard])
        return self._open[shard].get_slice(array)

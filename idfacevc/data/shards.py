"""Feature shards: safetensors files of many clips each, written whole or not at all, read by memory map.

A shard holds `mel` (sum T, M) float16, `lf0` (sum T,) float32, `speech` (n_s, P, D) float16 and `face` (n_f, P, D)
float16; the rows of its clips stand as JSON in the header, with where in each array a clip lies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from idfacevc.errors import InputError

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
    temporary = path.with_suffix(".partial")
    # one entry: safetensors keeps no order among several, and equal shards are to be equal files
    save_file(tensors or {"empty": torch.zeros(1)}, temporary, {_HEADER: json.dumps(header)})
    os.replace(temporary, path)


def read_header(path: Path) -> dict[str, Any]:
    """The shard's `key`, `clips` and `rejected`."""
    with safe_open(path, framework="pt") as handle:
        return json.loads(handle.metadata()[_HEADER])


class FeatureStore:
    """All shards of a folder, as one list of clips over memory-mapped arrays.

    Safe to hand to worker processes: files are opened where they are first read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.paths = sorted(self.folder.glob("shard-*.safetensors"))
        if not self.paths:
            raise InputError(f"{folder} holds no feature shards: run `idfacevc prepare` first")
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
            self._open[shard] = safe_open(self.paths[shard], framework="pt")
        return self._open[shard].get_slice(array)

"""Preparation: items in, feature shards out; resumable, parallel over the cores."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from idfacevc.config import to_dict
from idfacevc.data.features import FeatureExtractor, FeatureSpec
from idfacevc.data.items import Item
from idfacevc.data.shards import FeatureStore, read_header, write_shard
from idfacevc.errors import InputError

STATISTICS = "statistics.safetensors"

_extractor: FeatureExtractor | None = None  # one a worker process


@dataclass(frozen=True)
class Summary:
    """What a preparation holds: clips, hours of sound, speakers, rejects by reason, bytes on disk."""

    clips: int
    hours: float
    speakers: int
    rejected: dict[str, int]
    bytes: int

    def __str__(self) -> str:
        lines = [f"{self.clips} clips, {self.hours:.2f} h, {self.speakers} speakers, {self.bytes / 1e6:.1f} MB"]
        lines += [f"rejected {count}: {reason}" for reason, count in sorted(self.rejected.items())]
        return "\n".join(lines)


def prepare(
    items: Sequence[Item], spec: FeatureSpec, out: Path, workers: int = 0, shard_clips: int = 64, progress: bool = True
) -> Summary:
    """Extract the features of `items` into shards under `out`.

    A shard that is already there and was made from the same items with the same settings is kept; so a killed run goes
    on where it was, with nothing lost or doubled.

    Args:
        workers: processes; 0 takes one a core.
    """
    out.mkdir(parents=True, exist_ok=True)
    blocks = [list(items[start : start + shard_clips]) for start in range(0, len(items), shard_clips)]
    todo = []
    expected = set()
    for number, block in enumerate(blocks):
        path = out / f"shard-{number:05d}.safetensors"
        expected.add(path)
        key = _key(block, spec)
        if not (path.exists() and read_header(path)["key"] == key):
            todo.append((path, block, key))
    for path in set(out.glob("shard-*.safetensors")) - expected:
        path.unlink()

    from tqdm import tqdm

    bar = tqdm(total=len(items), initial=len(items) - sum(len(block) for _, block, _ in todo), unit="clip",
               disable=not progress)  # fmt: skip
    for count in _run(todo, spec, workers or os.cpu_count() or 1):
        bar.update(count)
    bar.close()
    return summarise(out)


def _run(todo: list[tuple[Path, list[Item], str]], spec: FeatureSpec, workers: int) -> Iterator[int]:
    if not todo:
        return
    if workers == 1:
        _start(spec)
        yield from map(_make_shard, todo)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(todo)), context, initializer=_start_worker, initargs=(spec,)) as pool:
        yield from pool.map(_make_shard, todo)


def _start(spec: FeatureSpec) -> None:
    global _extractor
    _extractor = FeatureExtractor(spec)


def _start_worker(spec: FeatureSpec) -> None:
    torch.set_num_threads(1)  # the workers themselves fill the cores
    _start(spec)


def _make_shard(job: tuple[Path, list[Item], str]) -> int:
    path, block, key = job
    assert _extractor is not None
    clips, rejected = _extractor(block)
    write_shard(path, clips, rejected, key)
    return len(block)


def _key(block: Sequence[Item], spec: FeatureSpec) -> str:
    text = json.dumps([to_dict(spec), [to_dict(item) for item in block]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def summarise(out: Path) -> Summary:
    """Gather what the shards hold; writes manifest.jsonl, rejected.tsv and the training split's mel statistics."""
    store = FeatureStore(out)
    rejected = [tuple(row) for path in store.paths for row in read_header(path)["rejected"]]
    _write(out / "rejected.tsv", "id\treason\n" + "".join(f"{name}\t{reason}\n" for name, reason in rejected))
    _write(out / "manifest.jsonl", "".join(json.dumps(to_dict(clip)) + "\n" for clip in store.clips))
    frames = write_statistics(store, out / STATISTICS)
    return Summary(
        clips=len(store.clips),
        hours=frames * 0.01 / 3600,
        speakers=len({clip.speaker for clip in store.clips if clip.speaker}),
        rejected=dict(Counter(reason.split(": ", 1)[-1] for _, reason in rejected)),
        bytes=sum(path.stat().st_size for path in store.paths),
    )


def write_statistics(store: FeatureStore, path: Path) -> int:
    """Mean and population deviation (M,) of each mel band over the training split; returns all mel frames."""
    total, first, second, frames = 0, None, None, 0
    for index, clip in enumerate(store.clips):
        if "mel" not in clip.rows:
            continue
        frames += clip.frames
        if clip.split != "train":
            continue
        mel = store.read(index, "mel").double()
        total += len(mel)
        first = mel.sum(0) if first is None else first + mel.sum(0)
        second = (mel**2).sum(0) if second is None else second + (mel**2).sum(0)
    if first is not None and second is not None:
        mean = first / total
        deviation = (second / total - mean**2).clamp_min(0).sqrt()
        save_file({"mel_mean": mean.float(), "mel_std": deviation.float()}, path)
    elif not any("face" in clip.rows for clip in store.clips):
        raise InputError(f"{store.folder}: no clip could be used; rejected.tsv gives the reasons")
    return frames


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".partial")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)

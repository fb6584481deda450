"""Preparation: items in, feature shards out; resumable, and the same whatever engine does the work."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from idfacevc.config.reader import to_dict
from idfacevc.data.corpora.item import Item
from idfacevc.data.engines.job import ShardJob
from idfacevc.data.features import FeatureSpec
from idfacevc.data.shards import INDEX, FeatureStore, read_header, write_index, write_resumable
from idfacevc.errors import InputError
from idfacevc.files import check_writable, readable

STATISTICS = "statistics.safetensors"
ENGINES = {"local": "idfacevc.data.engines.processes", "ray": "idfacevc.data.engines.ray"}


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
        if self.rejected:
            lines.append(f"{sum(self.rejected.values())} clips rejected, each with its reason in rejected.tsv:")
            lines += [f"  {count}: {reason}" for reason, count in Counter(self.rejected).most_common()]
        if self.speakers == 1:
            lines.append("one speaker: training needs clips of at least two")
        return "\n".join(lines)


def prepare(
    items: Sequence[Item],
    spec: FeatureSpec,
    out: Path,
    workers: int = 0,
    shard_clips: int = 64,
    progress: bool = True,
    engine: Literal["local", "ray"] = "local",
    device: str = "cpu",
) -> Summary:
    """Extract the features of `items` into shards under `out`.

    A shard that is already there and was made from the same items with the same settings is kept; so a killed run goes
    on where it was, with nothing lost or doubled. A damaged one is made anew.

    Args:
        workers: processes; 0 takes one a core.
        shard_clips: items of a shard.
        progress: show a bar.
        engine: Processes of this machine, or Ray Data.
        device: Device of the networks, "cpu", "cuda" or "cuda:N".
    Raises:
        InputError: for no item, weights that are missing, a folder that cannot be written, and where no clip could be
            used.
    """
    if not items:
        raise InputError("there is no clip to prepare")
    if not any(item.face for item in items):
        spec = replace(spec, face=None)  # no backbone is asked for where there is nothing to see
    check_writable(out / INDEX)
    run = importlib.import_module(ENGINES[engine]).run
    jobs = [_job(out, number, items[start : start + shard_clips], spec)
            for number, start in enumerate(range(0, len(items), shard_clips))]  # fmt: skip
    todo = [job for job in jobs if not _finished(job)]
    paths = [job.path for job in jobs]
    for left in {*out.glob("shard-*.safetensors"), *out.glob(".shard-*")} - set(paths):
        left.unlink()
    if todo:
        (out / INDEX).unlink(missing_ok=True)

    from tqdm import tqdm

    done = len(items) - sum(len(job.items) for job in todo)
    with tqdm(total=len(items), initial=done, unit="clip", disable=not progress, smoothing=0.05) as bar:
        run(todo, spec, workers, device, bar.update)
    write_index(out, paths)
    return summarise(out, spec.front_end.frame_period)


def _job(out: Path, number: int, block: Sequence[Item], spec: FeatureSpec) -> ShardJob:
    made_from = json.dumps([to_dict(spec), [to_dict(item) for item in block]], sort_keys=True)
    key = hashlib.sha256(made_from.encode()).hexdigest()
    return ShardJob(out / f"shard-{number:05d}.safetensors", tuple(block), key)


def _finished(job: ShardJob) -> bool:
    try:
        return read_header(job.path)["key"] == job.key
    except InputError:  # missing or damaged
        return False


def summarise(out: Path, frame_period: float) -> Summary:
    """Gather what the shards hold; writes manifest.jsonl, rejected.tsv and the training split's mel statistics."""
    store = FeatureStore(out)
    rejected = [tuple(row) for path in store.paths for row in read_header(path)["rejected"]]
    _write(out / "rejected.tsv", "id\treason\n" + "".join(f"{name}\t{reason}\n" for name, reason in rejected))
    _write(out / "manifest.jsonl", "".join(json.dumps(to_dict(clip)) + "\n" for clip in store.clips))
    if not store.clips:
        raise InputError(f"{out}: no clip could be used; rejected.tsv gives the reasons")
    write_statistics(store, out / STATISTICS)
    return Summary(
        clips=len(store.clips),
        hours=sum(clip.frames for clip in store.clips) * frame_period / 3600,
        speakers=len({clip.speaker for clip in store.clips if clip.speaker}),
        rejected=dict(Counter(_kind(reason) for _, reason in rejected)),
        bytes=sum(path.stat().st_size for path in store.paths),
    )


def _kind(reason: str) -> str:
    """A reason without the file that it names and with # for its numbers."""
    return re.sub(r"\d+(\.\d+)?(e-?\d+)?", "#", reason.split(": ", 1)[-1])


def write_statistics(store: FeatureStore, path: Path) -> None:
    """Mean and population deviation (M,) of each mel band over the training split, where that holds any sound."""
    total, first, second = 0, None, None
    for index, clip in enumerate(store.clips):
        if clip.split != "train" or not clip.frames:
            continue
        mel = store.read(index, "mel").double()
        total += len(mel)
        first = mel.sum(0) if first is None else first + mel.sum(0)
        second = (mel**2).sum(0) if second is None else second + (mel**2).sum(0)
    if first is not None and second is not None:
        mean = first / total
        deviation = (second / total - mean**2).clamp_min(0).sqrt()
        write_resumable(path, save({"mel_mean": mean.float(), "mel_std": deviation.float()}))


def read_statistics(folder: Path) -> dict[str, Tensor]:
    """`mel_mean` and `mel_std` (M,) of a prepared folder.

    Raises:
        InputError: where they are missing or damaged.
    """
    path = folder / STATISTICS
    again = "run the same `idfacevc prepare` again"
    with readable(path, "file of statistics") as file:
        try:
            found = load_file(file)
        except SafetensorError as error:
            raise InputError(f"{path}: is damaged ({error}); {again}") from error
    mean, deviation = (found.get(name, torch.empty(0)) for name in ("mel_mean", "mel_std"))
    fit = mean.ndim == 1 and mean.shape == deviation.shape and len(mean) > 0
    if not fit or not mean.isfinite().all() or not deviation.isfinite().all() or deviation.min() < 0:
        raise InputError(f"{path}: holds no mean and deviation of each mel band; {again}")
    return found


def _write(path: Path, text: str) -> None:
    write_resumable(path, text.encode("utf-8"))

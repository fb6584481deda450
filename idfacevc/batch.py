"""Many conversions from a CSV table, on this machine or over a Ray cluster."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from idfacevc.api import IDFaceVC
from idfacevc.audio.output import check_output
from idfacevc.bundles.licences import check_commercial
from idfacevc.bundles.model import DEFAULT
from idfacevc.cluster import cluster, input_error_of
from idfacevc.errors import InputError
from idfacevc.files import distinct
from idfacevc.types import Progress, Voice

OPTIONS: dict[str, type] = {
    "style": str,
    "style_strength": float,
    "speed": float,
    "pitch_range": float,
    "seed": int,
    "language": str,
    "base_speaker": str,
    "speaker": int,
}
COLUMNS = ("face", "audio", "text", "output", *OPTIONS)


@dataclass(frozen=True)
class TableConversion:
    """A table and what all of its rows share.

    Attributes:
        table: CSV file; its rows' paths count from its folder.
        out_dir: Folder of the outputs.
        checkpoint, device, vocoder: Arguments of `IDFaceVC.from_pretrained`.
        strict_face: Refuse pictures with several faces.
        watermark: Whether the samples carry the inaudible mark.
        loudness, styles: Options of `IDFaceVC.convert`.
        commercial: Refuse parts that may not be used commercially.
    """

    table: Path
    out_dir: Path
    checkpoint: str = DEFAULT
    device: str = "cpu"
    vocoder: str | None = None
    strict_face: bool = False
    watermark: bool = True
    loudness: float | str | None = "source"
    styles: str | None = None
    commercial: bool = False


@dataclass(frozen=True)
class BatchRow:
    """One row. `options` are those of `IDFaceVC.convert`; `output` is a path inside the output folder."""

    face: Path
    audio: Path | None
    text: str | None
    output: Path
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What became of a row: what to say, or its fault in one line, with the traceback as `text`."""

    text: str
    fault: str | None = None


def convert_rows(
    batch: TableConversion, rows: Sequence[dict[str, str]], progress: Progress = lambda pieces, _: pieces
) -> Iterator[Done]:
    """Convert the rows of a table, in order; a row that fails is reported, and the others go on.

    Args:
        progress: Wrapper of each row's pieces, which gets their sample rate as well.
    """
    yield from map(RowMaker(batch, progress), enumerate(rows, 1))


def convert_rows_on_cluster(batch: TableConversion, rows: Sequence[dict[str, str]]) -> Iterator[Done]:
    """`convert_rows` over the cores of a Ray cluster, whose machines must know the files by the same paths."""
    with cluster() as ray:
        from ray.util import ActorPool

        count = min(int(ray.cluster_resources().get("CPU", 1)), len(rows))
        gpus = ray.cluster_resources().get("GPU", 0) / count if batch.device != "cpu" else 0
        actor = ray.remote(num_cpus=1, num_gpus=gpus)(_Actor)
        pool = ActorPool([actor.remote(batch, os.getcwd(), torch.get_num_threads()) for _ in range(count)])
        try:
            yield from pool.map(lambda one, numbered: one.make.remote(numbered), list(enumerate(rows, 1)))
        except ray.exceptions.RayError as error:
            raise input_error_of(error) or InputError(f"Ray: {str(error).strip().splitlines()[-1]}") from error


class RowMaker:
    """Converts rows, one after the other, with a model that is loaded once."""

    def __init__(self, batch: TableConversion, progress: Progress = lambda pieces, _: pieces) -> None:
        self._batch, self._progress = batch, progress
        self._vc = IDFaceVC.from_pretrained(batch.checkpoint, batch.device, batch.vocoder)
        self._voices: dict[Path, Voice] = {}

    def __call__(self, numbered: tuple[int, dict[str, str]]) -> Done:
        """Convert a row, given with its number; whatever its fault, the others must go on."""
        number, row = numbered
        try:
            job = parse_row(row, self._batch.table.parent, self._batch.out_dir, number)
            if job.output.exists():
                return Done(f"{job.output}: there already")
            self._convert(job)
            return Done(str(job.output))
        except Exception as error:
            return Done(traceback.format_exc(), " ".join(str(error).split()) or repr(error))

    def _convert(self, job: BatchRow) -> None:
        batch, vc = self._batch, self._vc
        check_output(job.output)
        distinct(job.output, job.face, job.audio)
        if batch.commercial:
            speaker = None if job.text is None else job.options.get("base_speaker", "auto")
            check_commercial(batch.checkpoint, batch.vocoder, speaker)
        if job.face not in self._voices:
            saved = job.face.suffix == ".safetensors"
            voice = Voice.load(job.face) if saved else vc.voice_from_face(job.face, strict=batch.strict_face)
            self._voices[job.face] = voice
        vc.convert_to_file(
            job.output,
            self._voices[job.face],
            audio=job.audio,
            text=job.text,
            watermark=batch.watermark,
            progress=lambda pieces: self._progress(pieces, vc.sample_rate),
            styles=batch.styles,
            loudness=batch.loudness,
            **job.options,
        )


class _Actor:
    """A process of the cluster, in the folder of the process that asked, with as many threads: sums depend on them."""

    def __init__(self, batch: TableConversion, folder: str, threads: int) -> None:
        os.chdir(folder)
        torch.set_num_threads(threads)
        self._maker = RowMaker(batch)

    def make(self, numbered: tuple[int, dict[str, str]]) -> Done:
        return self._maker(numbered)


def parse_row(row: dict[str, str], folder: Path, out_dir: Path, number: int) -> BatchRow:
    """A checked job; without an output name it is the row's number."""
    values = {key: value.strip() for key, value in row.items() if isinstance(value, str) and value.strip()}
    if None in row:
        raise InputError("has more fields than the table has columns")
    if "face" not in values or ("audio" in values) == ("text" in values):
        raise InputError("needs a face, and either audio or text")
    output = Path(values.get("output", f"{number:04d}.wav"))
    if output.is_absolute() or ".." in output.parts:
        raise InputError(f"output {output} must be a name inside the output folder")
    try:
        options = {key: kind(values[key]) for key, kind in OPTIONS.items() if key in values}
    except ValueError as error:
        raise InputError(f"an option is not a number: {error}") from error
    weights = folder / options.get("base_speaker", "")
    if weights != folder and weights.is_dir():
        options["base_speaker"] = str(weights)
    audio = folder / values["audio"] if "audio" in values else None
    return BatchRow(folder / values["face"], audio, values.get("text"), out_dir / output, options)

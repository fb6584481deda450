"""`idfacevc batch`: many conversions from a table."""

from __future__ import annotations

import argparse
import csv
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idfacevc.cli.convert import add_model, add_output, add_quiet, add_styles, shown
from idfacevc.cli.licences import add_commercial, check_commercial
from idfacevc.errors import InputError
from idfacevc.files import distinct, readable

if TYPE_CHECKING:
    from idfacevc.api import IDFaceVC
    from idfacevc.types import Voice

EXAMPLE = "idfacevc batch jobs.csv --out-dir out/batch"
_OPTIONS: dict[str, type] = {
    "style": str,
    "style_strength": float,
    "speed": float,
    "pitch_range": float,
    "seed": int,
    "language": str,
    "base_speaker": str,
    "speaker": int,
}
_COLUMNS = ("face", "audio", "text", "output", *_OPTIONS)


@dataclass(frozen=True)
class BatchRow:
    """One row. `options` are those of `IDFaceVC.convert`; `output` is a path inside the output folder."""

    face: Path
    audio: Path | None
    text: str | None
    output: Path
    options: dict[str, Any] = field(default_factory=dict)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "batch",
        help="many conversions from a CSV table",
        description="Convert every row of a CSV table. Columns: face (a picture, a video or a saved voice), audio or "
        f"text, output (a name in DIR), any of {', '.join(_OPTIONS)}.\nA row that fails is reported and the others go "
        "on; running again does only what is missing. Paths are relative to the table's folder.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("jobs", metavar="JOBS.csv")
    parser.add_argument("--out-dir", required=True, metavar="DIR")
    parser.add_argument("--strict-face", action="store_true", help="refuse pictures with several faces")
    add_output(parser)
    add_commercial(parser)
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="ray: over a cluster (%(default)s)")
    add_quiet(parser)
    add_styles(parser)
    add_model(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.audio.watermark import watermarker

    rows = read_rows(Path(args.jobs))
    if args.watermark:
        watermarker()
    say = (lambda _: None) if args.quiet else print
    failed = 0
    for number, done in enumerate(
        _spread(args, rows) if args.engine == "ray" else map(RowMaker(args), enumerate(rows, 1)), 1
    ):
        if done.fault is None:
            say(f"[{number}/{len(rows)}] {done.text}")
            continue
        failed += 1
        if args.debug:
            print(done.text, file=sys.stderr)
        print(f"idfacevc: row {number}: {done.fault}", file=sys.stderr)
    say(f"{len(rows) - failed} of {len(rows)} rows done")
    return 1 if failed else 0


@dataclass(frozen=True)
class Done:
    """What became of a row: what to say, or its fault in one line, with the traceback as `text`."""

    text: str
    fault: str | None = None


class RowMaker:
    """Converts rows, one after the other, with a model that is loaded once."""

    def __init__(self, args: argparse.Namespace) -> None:
        from idfacevc.api import IDFaceVC

        self._args = args
        self._vc = IDFaceVC.from_pretrained(args.checkpoint, args.device, args.vocoder)
        self._voices: dict[Path, Voice] = {}

    def __call__(self, numbered: tuple[int, dict[str, str]]) -> Done:
        """Convert a row, given with its number; whatever its fault, the others must go on."""
        number, row = numbered
        try:
            job = parse_row(row, Path(self._args.jobs).parent, Path(self._args.out_dir), number)
            if job.output.exists():
                return Done(f"{job.output}: there already")
            _convert(self._vc, job, self._voices, self._args)
            return Done(str(job.output))
        except Exception as error:
            return Done(traceback.format_exc(), " ".join(str(error).split()) or repr(error))


def _spread(args: argparse.Namespace, rows: list[dict[str, str]]) -> Iterator[Done]:
    """The rows over the cores of a Ray cluster, in order; all its machines must know the files by the same paths."""
    import torch

    from idfacevc.cluster import cluster, input_error_of

    with cluster() as ray:
        from ray.util import ActorPool

        count = min(int(ray.cluster_resources().get("CPU", 1)), len(rows))
        gpus = ray.cluster_resources().get("GPU", 0) / count if args.device != "cpu" else 0
        settings = argparse.Namespace(
            **{key: value for key, value in vars(args).items() if key != "run"} | {"quiet": True}
        )
        actor = ray.remote(num_cpus=1, num_gpus=gpus)(_Actor)
        pool = ActorPool([actor.remote(settings, os.getcwd(), torch.get_num_threads()) for _ in range(count)])
        try:
            yield from pool.map(lambda one, numbered: one.make.remote(numbered), list(enumerate(rows, 1)))
        except ray.exceptions.RayError as error:
            raise input_error_of(error) or InputError(f"Ray: {str(error).strip().splitlines()[-1]}") from error


class _Actor:
    """A process of the cluster, in the folder of the process that asked, with as many threads: sums depend on them."""

    def __init__(self, args: argparse.Namespace, folder: str, threads: int) -> None:
        import torch

        os.chdir(folder)
        torch.set_num_threads(threads)
        self._maker = RowMaker(args)

    def make(self, numbered: tuple[int, dict[str, str]]) -> Done:
        return self._maker(numbered)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The table's rows; an unreadable table or an unknown column is an `InputError`."""
    csv.field_size_limit(2**31 - 1)  # a text of a whole book is one field
    try:
        with readable(path, "table") as table, table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error})") from error
    if unknown := [name for name in names if name not in _COLUMNS]:
        raise InputError(f"{path}: unknown column {', '.join(unknown)}; columns are: {', '.join(_COLUMNS)}")
    if "face" not in names or not {"audio", "text"} & set(names):
        raise InputError(f"{path}: needs the columns face and audio or text")
    if not rows:
        raise InputError(f"{path}: holds no rows")
    outputs = [row["output"] for row in rows if row.get("output")]
    if twice := sorted({name for name in outputs if outputs.count(name) > 1}):
        raise InputError(f"{path}: several rows write {', '.join(twice)}")
    return rows


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
        options = {key: kind(values[key]) for key, kind in _OPTIONS.items() if key in values}
    except ValueError as error:
        raise InputError(f"an option is not a number: {error}") from error
    weights = folder / options.get("base_speaker", "")
    if weights != folder and weights.is_dir():
        options["base_speaker"] = str(weights)
    audio = folder / values["audio"] if "audio" in values else None
    return BatchRow(folder / values["face"], audio, values.get("text"), out_dir / output, options)


def _convert(vc: IDFaceVC, job: BatchRow, voices: dict[Path, Voice], args: argparse.Namespace) -> None:
    from idfacevc.audio.output import check_output
    from idfacevc.types import Voice

    check_output(job.output)
    distinct(job.output, job.face, job.audio)
    check_commercial(args, None if job.text is None else job.options.get("base_speaker", "auto"))
    if job.face not in voices:
        saved = job.face.suffix == ".safetensors"
        voices[job.face] = Voice.load(job.face) if saved else vc.voice_from_face(job.face, strict=args.strict_face)
    vc.convert_to_file(
        job.output,
        voices[job.face],
        audio=job.audio,
        text=job.text,
        watermark=args.watermark,
        progress=partial(shown, rate=vc.sample_rate, quiet=args.quiet),
        styles=args.styles,
        loudness=args.loudness,
        **job.options,
    )

"""`idfacevc batch`: many conversions from a table."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path

from idfacevc.cli.options import add_commercial, add_model, add_output, add_quiet, add_styles, shown
from idfacevc.errors import InputError
from idfacevc.files import read_table

EXAMPLE = "idfacevc batch jobs.csv --out-dir out/batch"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "batch",
        help="many conversions from a CSV table",
        description="Convert every row of a CSV table. Columns: face (a picture, a video or a saved voice), audio or "
        "text, output (a name in DIR), any of style, style_strength, speed, pitch_range, seed, language, base_speaker, "
        "speaker.\nA row that fails is reported and the others go "
        "on; running again does only what is missing. Paths are relative to the table's folder.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("table", type=Path, metavar="JOBS.csv")
    parser.add_argument("--out-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--strict-face", action="store_true", help="refuse pictures with several faces")
    add_output(parser)
    add_commercial(parser)
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="ray: over a cluster (%(default)s)")
    add_quiet(parser)
    add_styles(parser)
    add_model(parser)
    parser.set_defaults(run=run)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The table's rows; an unreadable table or an unknown column is an `InputError`."""
    from idfacevc.batch import COLUMNS

    names, rows = read_table(path)
    if unknown := [name for name in names if name not in COLUMNS]:
        raise InputError(f"{path}: unknown column {', '.join(unknown)}; columns are: {', '.join(COLUMNS)}")
    if "face" not in names or not {"audio", "text"} & set(names):
        raise InputError(f"{path}: needs the columns face and audio or text")
    if not rows:
        raise InputError(f"{path}: holds no rows")
    outputs = [row["output"] for row in rows if row.get("output")]
    if twice := sorted({name for name in outputs if outputs.count(name) > 1}):
        raise InputError(f"{path}: several rows write {', '.join(twice)}")
    return rows


def run(args: argparse.Namespace) -> int:
    from idfacevc.audio.watermark import watermarker
    from idfacevc.batch import TableConversion, convert_rows, convert_rows_on_cluster

    rows = read_rows(args.table)
    if args.watermark:
        watermarker()
    batch = TableConversion(**{field.name: getattr(args, field.name) for field in fields(TableConversion)})
    say = (lambda _: None) if args.quiet else print
    converted = (
        convert_rows_on_cluster(batch, rows)
        if args.engine == "ray"
        else convert_rows(batch, rows, partial(shown, quiet=args.quiet))
    )
    failed = 0
    for number, done in enumerate(converted, 1):
        if done.fault is None:
            say(f"[{number}/{len(rows)}] {done.text}")
            continue
        failed += 1
        if args.debug:
            print(done.text, file=sys.stderr)
        print(f"idfacevc: row {number}: {done.fault}", file=sys.stderr)
    say(f"{len(rows) - failed} of {len(rows)} rows done")
    return 1 if failed else 0

"""`idfacevc cast`: many portraits, each with a voice that fits and that differs from all others."""

from __future__ import annotations

import argparse
from pathlib import Path

from idfacevc.cli.options import add_quiet
from idfacevc.cli.voices import add_pool

EXAMPLE = "idfacevc cast cast.csv --out out/cast"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "cast",
        help="a different voice for each of many portraits",
        description="Give every portrait of a CSV table (columns name and face) a voice that fits, and that differs "
        "from every other.\nThe voices are saved as DIR/NAME.safetensors, for `convert --voice`. Paths are relative to "
        "the table's folder.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("table", type=Path, metavar="CAST.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_pool(parser)
    parser.add_argument("--checkpoint", default="vclip", metavar="NAME", help="bundle of Vclip (%(default)s)")
    parser.add_argument("--strict-face", action="store_true", help="refuse pictures with several faces")
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.casting import cast_roles, read_cast
    from idfacevc.files import check_writable
    from idfacevc.vclip import Vclip

    roles = read_cast(args.table)
    for role in roles:
        check_writable(args.out / f"{role.name}.safetensors")
    for part in cast_roles(Vclip.from_pretrained(args.checkpoint), roles, args.voices, args.strict_face):
        name = part.role.name
        part.voice.save(args.out / f"{name}.safetensors")
        other = f", likest {part.other.name} ({part.likeness:.2f})" if part.other else ""
        if not args.quiet:
            print(f"{name}: voice {part.voice.name}, score {part.voice.score:.3f}{other}")
    return 0

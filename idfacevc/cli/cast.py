"""`idfacevc cast`: many portraits, each with a voice that fits and that differs from all others."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from idfacevc.cli.options import add_quiet
from idfacevc.cli.voices import add_pool
from idfacevc.errors import InputError
from idfacevc.files import read_table

EXAMPLE = "idfacevc cast cast.csv --out out/cast"
_COLUMNS = {"name", "face"}


@dataclass(frozen=True)
class Role:
    """One row: a name, which is that of the file, and a picture."""

    name: str
    face: Path


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
    import numpy as np

    from idfacevc.files import check_writable
    from idfacevc.vclip import Vclip

    roles = read_cast(args.table)
    for role in roles:
        check_writable(args.out / f"{role.name}.safetensors")
    vclip = Vclip.from_pretrained(args.checkpoint)
    voices = vclip.cast([vclip.embed_face(role.face, strict=args.strict_face) for role in roles], args.voices)
    sounds = np.stack([voice.sound for voice in voices])
    likeness = sounds @ sounds.T - 2 * np.eye(len(sounds))
    for role, voice, likest in zip(roles, voices, likeness.argmax(axis=1), strict=True):
        voice.save(args.out / f"{role.name}.safetensors")
        other = f", likest {roles[likest].name} ({likeness[roles.index(role), likest]:.2f})" if len(roles) > 1 else ""
        if not args.quiet:
            print(f"{role.name}: voice {voice.name}, score {voice.score:.3f}{other}")
    return 0


def read_cast(path: Path) -> list[Role]:
    """The checked rows; an unreadable table, a missing column, and names that are no file names are errors."""
    names, rows = read_table(path)
    if set(names) != _COLUMNS:
        raise InputError(f"{path}: needs the columns name and face, and no others")
    if not rows:
        raise InputError(f"{path}: holds no rows")
    roles = [Role((row["name"] or "").strip(), path.parent / (row["face"] or "").strip()) for row in rows]
    for role in roles:
        if not role.name or role.name.startswith(".") or Path(role.name).name != role.name:
            raise InputError(f"{path}: {role.name!r} cannot be the name of a file")
    if twice := sorted({role.name for role in roles if sum(one.name == role.name for one in roles) > 1}):
        raise InputError(f"{path}: several rows are named {', '.join(twice)}")
    return roles

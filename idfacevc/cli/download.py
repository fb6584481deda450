"""`idfacevc download`: fetch what a configuration names, so that later work runs offline."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "idfacevc download --checkpoint demo"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "download",
        help="fetch pretrained weights into the usual caches",
        description="Fetch the weights that a checkpoint, a training configuration or the evaluation needs; sizes are "
        "shown first.",
        epilog=f"example: {EXAMPLE}",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--checkpoint", default="demo", metavar="NAME", help="name, folder or hub id (%(default)s)")
    which.add_argument(
        "--config",
        action="append",
        metavar="YAML",
        help="training configuration, all of whose backbones are fetched; repeated as for train",
    )
    which.add_argument(
        "--evaluation", action="store_true", help="models of the evaluation's paper tier: Whisper large-v3 and UTMOS"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be fetched")
    parser.set_defaults(run=run)
    tasks = parser.add_subparsers(dest="task", metavar="task")
    clap = tasks.add_parser(
        "import-clap",
        help="make a folder that speech.name takes of LAION's own CLAP checkpoint",
        epilog="example: idfacevc download import-clap music_speech.pt clap",
    )
    clap.add_argument("file", type=Path, metavar="CHECKPOINT.pt")
    clap.add_argument("folder", type=Path, metavar="DIR", help="folder to write")
    clap.set_defaults(run=run_import_clap)


def run(args: argparse.Namespace) -> int:
    from idfacevc.bundles.model import read_spec, resolve
    from idfacevc.bundles.weights import RemoteWeights, weights_of
    from idfacevc.config.training_files import read_model

    if args.evaluation:
        from idfacevc.evaluation.weights import paper_weights

        wanted: list[RemoteWeights] = list(paper_weights())
    elif args.config:
        wanted = weights_of(read_model(args.config), training=True)
    else:
        wanted = weights_of(read_spec(resolve(args.checkpoint)).model, training=False)
    if not wanted:
        print("nothing to fetch: every weight is inside the checkpoint or the installed packages")
    absent = []
    for one in wanted:
        if one.here:
            print(f"{one.name}: is here already")
        else:
            absent.append((one, one.size()))
            print(f"{one.name}: {_megabytes(absent[-1][1])} to fetch")
    if len(absent) > 1:
        print(f"together: {_megabytes(sum(size for _, size in absent))}")
    for one, size in absent if not args.dry_run else ():
        print(f"{one.name}: in {one.fetch(size)}")
    return 0


def run_import_clap(args: argparse.Namespace) -> int:
    from idfacevc.backbones.import_laion import import_clap

    import_clap(args.file, args.folder)
    print(f"{args.folder}: CLAP's audio branch")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"

"""`idfacevc download`: fetch what a configuration names, so that later work runs offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from idfacevc.config_file import read_model

if TYPE_CHECKING:
    from idfacevc.config import ModelSpec

EXAMPLE = "idfacevc download --checkpoint demo"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "download",
        help="fetch pretrained weights into the usual caches",
        description="Fetch the hub weights that a checkpoint or a training configuration names; sizes are shown first.",
        epilog=f"example: {EXAMPLE}",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--checkpoint", default="demo", metavar="NAME", help="name, folder or hub id (%(default)s)")
    which.add_argument(
        "--config",
        action="append",
        metavar="YAML",
        help="training configuration, whose speech backbone is fetched too; repeated as for train",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be fetched")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc import hub
    from idfacevc.checkpoints import read_spec, resolve

    if args.config:
        wanted = weights_of(read_model(args.config), training=True)
    else:
        wanted = weights_of(read_spec(resolve(args.checkpoint)).model, training=False)
    if not wanted:
        print("nothing to fetch: every weight is inside the checkpoint")
    for repository, revision in wanted:
        if hub.cached(repository, revision):
            print(f"{repository}: is here already")
            continue
        sizes = hub.missing(repository, revision)
        print(f"{repository}: {sum(sizes.values()) / 1e6:.0f} MB to fetch")
        if not args.dry_run:
            print(f"{repository}: in {hub.fetch(repository, sizes, revision)}")
    return 0


def weights_of(model: ModelSpec, training: bool) -> list[tuple[str, str | None]]:
    """Hub repositories and revisions that a model needs beside its bundle; the speech backbone only while training."""
    from idfacevc import hub

    wanted = []
    if model.face.backbone == "clip":
        wanted.append((model.face.name, model.face.revision))
    if training and model.speech.kind == "clap_safpq":
        wanted.append((model.speech.name, model.speech.revision))
    return [(name, revision) for name, revision in wanted if hub.is_id(name) and not Path(name).is_dir()]

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
        help="training configuration, whose speech backbone is fetched too; repeated as for train",
    )
    which.add_argument(
        "--evaluation", action="store_true", help="models of the evaluation's paper tier: Whisper large-v3 and UTMOS"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be fetched")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc import hub
    from idfacevc.checkpoints import read_spec, resolve

    if args.evaluation:
        return _fetch_evaluation(args.dry_run)
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


def _fetch_evaluation(dry_run: bool) -> int:
    from idfacevc.evaluation.weights import paper_weights

    sizes = [(one, one.size()) for one in paper_weights()]
    for one, size in sizes:
        print(f"{one.name}: " + ("is here already" if one.file.is_file() else f"{size / 1e6:.0f} MB to fetch"))
    for one, size in sizes:
        if not dry_run and not one.file.is_file():
            one.fetch(size)
            print(f"{one.name}: in {one.file}")
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

"""`idfacevc download`: fetch what a configuration names, so that later work runs offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idfacevc.errors import InputError

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


def read_model(paths: list[str]) -> ModelSpec:
    """The `ModelSpec` of a training configuration: `model.init_args.model` of its files, later ones overriding."""
    from idfacevc.config import ModelSpec, from_dict

    merged: dict[str, Any] = {}
    for path in paths:
        merged = _merge(merged, _read_yaml(path))
    model = merged.get("model") or {}
    values = (model.get("init_args") or model).get("model")
    if values is None:
        raise InputError(f"{', '.join(paths)}: no model is described there")
    return from_dict(ModelSpec, values, "model")


def _read_yaml(path: str) -> dict[str, Any]:
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            values = yaml.safe_load(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no YAML file") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: is no training configuration")
    return values


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merge(base[key], over[key])
        for key in base.keys() & over.keys()
        if isinstance(base[key], dict) and isinstance(over[key], dict)
    }
    return base | over | both

"""`idfacevc train`: Lightning training from YAML files."""

from __future__ import annotations

import argparse
from pathlib import Path

from idfacevc.cli.recipe import add_recipes

EXAMPLE = "idfacevc train --config recipes/demo/conf/face_tower.yaml --data.corpora corpora"

# what Lightning's own parser reads; its help lists every setting of every class that it can find
OPTIONS = """
  --config YAML         settings; may be repeated, later files override
  --model.NAME VALUE    a setting of the model: --model.init_args.model.memory.slots 64
  --data.NAME VALUE     a setting of the data: --data.init_args.batch_size 64
  --trainer.NAME VALUE  a setting of Lightning's Trainer: --trainer.max_epochs 10
  --seed_everything N   of weights and crops, 0 to 4294967295 (520)
  --ckpt_path CKPT      go on from a checkpoint; "last" is the newest
  --print_config        print all settings with their values, and end"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a stage with Lightning",
        description=f"Train what configurations name; `idfacevc train export` makes a bundle of the result.\n{OPTIONS}",
        epilog=f"example: {EXAMPLE}",
        usage="idfacevc train --config YAML [--config YAML ...] [settings]",
        add_help=False,
    )
    parser.set_defaults(run=run, passthrough=True, help=parser.format_help)


def run(args: argparse.Namespace) -> int:
    """Train what the configurations name."""
    if args.rest[:1] == ["export"]:
        return _export(args.rest[1:])
    if asks_for_help(args):
        return 0
    import pytorch_lightning as pl

    from idfacevc.training.fit import fit

    add_recipes()
    fit(args.rest, pl.LightningModule, pl.LightningDataModule, named=True)
    return 0


def asks_for_help(args: argparse.Namespace) -> bool:
    """Print the help where it is asked for: the verb reads none of its options itself."""
    asked = bool({"-h", "--help"} & set(args.rest))
    if asked:
        print(args.help(), end="")
    return asked


def _export(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="idfacevc train export",
        description="A training's checkpoint becomes a bundle, or a face tower where it is that of one.",
        epilog="example: idfacevc train export stage_b/last.ckpt --out checkpoints/mine",
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT.ckpt")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--name", metavar="NAME", help="what reports call the bundle (default: the folder's name)")
    parser.add_argument("--tower", type=Path, metavar="DIR", help="the face tower, where that is the backbone")
    parser.add_argument("--vocoder", type=Path, metavar="DIR", help="a trained vocoder, in place of Griffin-Lim")
    args = parser.parse_args(arguments)
    from idfacevc.training.export import export

    what = export(args.checkpoint, args.out, args.name or args.out.resolve().name, args.tower, args.vocoder)
    print(f"{args.out}: {what}")
    return 0

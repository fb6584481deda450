"""`idfacevc train`: Lightning training from YAML files."""

from __future__ import annotations

import argparse

EXAMPLE = "idfacevc train --config recipes/demo/conf/face_tower.yaml --data.corpora corpora"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a stage with Lightning",
        description="Lightning training. --config may be repeated, later files override; any setting can follow as "
        "--model.NAME or --data.NAME; --ckpt_path last resumes.",
        epilog=f"example: {EXAMPLE}",
        add_help=False,
    )
    parser.set_defaults(run=run, passthrough=True)


def run(args: argparse.Namespace) -> int:
    """Hand the rest of the line to LightningCLI."""
    import pytorch_lightning as pl
    from pytorch_lightning.cli import LightningCLI

    LightningCLI(
        pl.LightningModule,
        pl.LightningDataModule,
        subclass_mode_model=True,
        subclass_mode_data=True,
        save_config_kwargs={"overwrite": True},
        args=["fit", *args.rest],
        seed_everything_default=520,
    )
    return 0

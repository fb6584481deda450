"""`idfacevc train`: Lightning training from YAML files."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from idfacevc.errors import InputError

EXAMPLE = "idfacevc train --config recipes/demo/conf/face_tower.yaml --data.corpora corpora"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a stage with Lightning",
        description="Lightning training. --config may be repeated, later files override; any setting can follow as "
        "--model.NAME or --data.NAME; --ckpt_path last resumes. `idfacevc train export` makes a bundle.",
        epilog=f"example: {EXAMPLE}",
        add_help=False,
    )
    parser.set_defaults(run=run, passthrough=True)


def run(args: argparse.Namespace) -> int:
    """Train what the configurations name."""
    if args.rest[:1] == ["export"]:
        return _export(args.rest[1:])
    import pytorch_lightning as pl

    fit(args.rest, pl.LightningModule, pl.LightningDataModule, named=True)
    return 0


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


def fit(arguments: list[str], module: type, data: type, named: bool) -> None:
    """Hand the rest of a command line to LightningCLI; its faults become one line.

    Args:
        arguments: the rest.
        module, data: classes of the training, or, where the configurations name them, their bases.
        named: whether they do.
    Raises:
        InputError: for a configuration that does not fit the classes.
    """
    import pytorch_lightning as pl
    import yaml
    from pytorch_lightning.cli import LightningCLI

    from idfacevc.cli.recipe import add_recipes
    from idfacevc.config.training_files import read_settings
    from idfacevc.training.checkpoint_io import AtomicCheckpointIO, keep_checkpoints

    settings, rest = read_settings(arguments)
    add_recipes()

    class TrainingCLI(LightningCLI):
        def instantiate_trainer(self, **options: Any) -> pl.Trainer:
            trainer = super().instantiate_trainer(**options)
            trainer.strategy.checkpoint_io = AtomicCheckpointIO()
            return trainer

    try:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as merged:
            if settings:
                yaml.safe_dump(keep_checkpoints(settings), merged)
                merged.flush()
                rest = ["--config", merged.name, *rest]
            TrainingCLI(
                module,
                data,
                subclass_mode_model=named,
                subclass_mode_data=named,
                save_config_kwargs={"overwrite": True},
                parser_kwargs={"exit_on_error": False},
                args=["fit", *rest],
                seed_everything_default=520,
            )
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):  # Lightning tidies up, then exits with 1
            raise KeyboardInterrupt from None
        raise
    except argparse.ArgumentError as error:
        raise InputError(f"the training's configuration: {error}") from error
    except ValueError as error:  # jsonargparse wraps what a class says of its arguments
        if "Does not validate against" not in str(error):
            raise
        raise InputError(f"the training's configuration: {_own_words(error)}") from error


def _own_words(error: ValueError) -> str:
    """What the class itself said, out of jsonargparse's report of all types that it tried."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line.removeprefix("- ") for line in lines if line.startswith("- ") and not line.startswith("- Expected")]
    return "; ".join(said) or lines[0]

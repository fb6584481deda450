"""`idfacevc train`: Lightning training from YAML files."""

from __future__ import annotations

import argparse
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idfacevc.cli.faults import raising
from idfacevc.errors import InputError

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
    import pytorch_lightning as pl

    return fit(args, pl.LightningModule, pl.LightningDataModule, named=True)


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


def fit(args: argparse.Namespace, module: type, data: type, named: bool) -> int:
    """Hand the rest of a command line to LightningCLI; its faults become one line.

    Args:
        args: With `rest`, and `help`, which gives the text of --help.
        module, data: classes of the training, or, where the configurations name them, their bases.
        named: whether they do.
    Raises:
        InputError: for a configuration that does not fit the classes, and a training without a batch.
    """
    if {"-h", "--help"} & set(args.rest):
        print(args.help(), end="")
        return 0
    import pytorch_lightning as pl
    import yaml
    from pytorch_lightning.cli import LightningCLI
    from pytorch_lightning.utilities.exceptions import MisconfigurationException

    from idfacevc.cli.recipe import add_recipes
    from idfacevc.config.training_files import read_settings
    from idfacevc.training.checkpoint_io import AtomicCheckpointIO, keep_checkpoints
    from idfacevc.training.resume import read_checkpoint

    settings, rest = read_settings(args.rest)
    with _of_the_configuration(TypeError, ValueError, AttributeError):
        settings = keep_checkpoints(settings) if settings else settings
    add_recipes()

    class TrainingCLI(LightningCLI):
        def _parse_ckpt_path(self) -> None:  # reads the file by itself
            path = self.config[self.config.subcommand].get("ckpt_path")
            if path and Path(path).is_file():
                read_checkpoint(path)
            super()._parse_ckpt_path()

        def _set_seed(self) -> None:
            with _of_the_configuration(ValueError):
                super()._set_seed()

        def instantiate_classes(self) -> None:
            with _of_the_configuration(MisconfigurationException, ValueError, TypeError):
                super().instantiate_classes()

        def instantiate_trainer(self, **options: Any) -> pl.Trainer:
            trainer = super().instantiate_trainer(**options)
            trainer.strategy.checkpoint_io = AtomicCheckpointIO()
            return trainer

    with (
        tempfile.NamedTemporaryFile("w", suffix=".yaml") as merged,
        _interrupted_as_usual(),
        _of_the_configuration(argparse.ArgumentError, MisconfigurationException),
    ):
        if settings:
            yaml.safe_dump(settings, merged)
            merged.flush()
            rest = ["--config", merged.name, *rest]
        trained = TrainingCLI(
            module,
            data,
            subclass_mode_model=named,
            subclass_mode_data=named,
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"exit_on_error": False},
            args=["fit", *rest],
            seed_everything_default=520,
        )
    if trained.trainer.num_training_batches == 0:  # Lightning calls that a success
        raise InputError("nothing was trained: there is no batch; give more clips, or a smaller batch_size")
    return 0


@contextmanager
def _of_the_configuration(*kinds: type[Exception]) -> Iterator[None]:
    """What is raised in the block is a fault of the configuration."""
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        raise InputError(f"the training's configuration: {_own_words(error)}") from error


def _own_words(error: Exception) -> str:
    """What the class itself said, out of jsonargparse's report of all types that it tried."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line.removeprefix("- ") for line in lines if line.startswith("- ") and not line.startswith("- Expected")]
    return "; ".join(said if "Does not validate against" in str(error) else []) or " ".join(lines) or repr(error)


class _Interrupted(BaseException):
    """SIGINT under a name that Lightning does not know: a KeyboardInterrupt makes it print, and exit with status 1."""


@contextmanager
def _interrupted_as_usual() -> Iterator[None]:
    """SIGINT within the block ends it with a KeyboardInterrupt, after Lightning has put everything in order."""
    try:
        with raising(signal.SIGINT, _Interrupted):
            yield
    except _Interrupted:
        raise KeyboardInterrupt from None

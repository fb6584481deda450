"""A training from configuration files, by Lightning's command line; its faults become one line."""

from __future__ import annotations

import argparse
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from pytorch_lightning.cli import LightningCLI
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from idfacevc.config.training_files import read_settings
from idfacevc.errors import InputError
from idfacevc.signals import raising
from idfacevc.training.checkpoint_io import AtomicCheckpointIO, keep_checkpoints
from idfacevc.training.resume import read_checkpoint


class TrainingCLI(LightningCLI):
    """Lightning's command line, with one-line faults and checkpoints that are complete or absent."""

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


def fit(arguments: Sequence[str], module: type, data: type, named: bool) -> None:
    """Train.

    Args:
        arguments: Command line of Lightning: configuration files and settings.
        module, data: Classes of the training, or, where the configurations name them, their bases.
        named: Whether the configurations name the classes.
    Raises:
        InputError: for a configuration that does not fit the classes, and a training without a batch.
    """
    settings, rest = read_settings(list(arguments))
    with _of_the_configuration(TypeError, ValueError, AttributeError):
        settings = keep_checkpoints(settings) if settings else settings
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

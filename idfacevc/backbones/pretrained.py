"""Pretrained models of transformers that are used as they are: found on this machine, checked, and never trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from idfacevc.errors import InputError


def load_frozen(
    kind: Any, name: str, revision: str | None, width: int, role: str, device: torch.device | str, **options: Any
) -> Any:
    """The model `name` of the class `kind`, in evaluation mode, without gradients.

    Args:
        kind: a class of transformers.
        name, revision: hub id and revision, or a folder.
        width: Width that its hidden states must have.
        role: Name in messages, "face backbone" for instance.
        device: Device of the model.
        options: further ones of `from_pretrained`.
    Raises:
        InputError: where the model is not on this machine (nothing is fetched here), is none of that class, or has
            another width.
    """
    try:
        with _quiet_transformers():
            model, report = kind.from_pretrained(
                name,
                revision=revision or "main",  # without effect on a folder
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
    except (OSError, ValueError) as error:
        raise not_here(role, name) from error
    except RuntimeError as error:  # tensors of another shape
        raise InputError(f"{name}: is no {kind.__name__}") from error
    if missing := sorted(report["missing_keys"]):
        raise InputError(f"{name}: is no {kind.__name__}, it lacks {missing[0]}")
    if model.config.hidden_size != width:
        raise InputError(f"{name}: its tokens are {model.config.hidden_size} wide, not {width} as configured")
    return model.to(device).eval().requires_grad_(False)


def not_here(role: str, name: str) -> InputError:
    """What to say where a model's files are missing."""
    return InputError(f"the {role} {name} is not on this machine; run `idfacevc download` once with a network")


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """No progress bar, and no report that the hub's files hold a text side as well."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

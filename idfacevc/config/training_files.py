"""Read the model out of training configurations."""

from __future__ import annotations

from typing import Any

from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError
from idfacevc.files import read_yaml


def read_model(paths: list[str]) -> ModelSpec:
    """The `ModelSpec` of a training configuration: `model.init_args.model` of its files, later ones overriding.

    Raises:
        InputError: for a file that cannot be read, is no YAML, describes no model, or one with a wrong key or value.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        merged = _merge(merged, read_yaml(path))
    values: Any = merged.get("model")
    values = values.get("init_args", values) if isinstance(values, dict) else None
    values = values.get("model") if isinstance(values, dict) else None
    if values is None:
        raise InputError(f"{', '.join(paths)}: no model is described there")
    return from_dict(ModelSpec, values, "model")


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merge(base[key], over[key])
        for key in base.keys() & over.keys()
        if isinstance(base[key], dict) and isinstance(over[key], dict)
    }
    return base | over | both

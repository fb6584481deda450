"""Read the model out of training configurations."""

from __future__ import annotations

from typing import Any

import yaml

from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError


def read_model(paths: list[str]) -> ModelSpec:
    """The `ModelSpec` of a training configuration: `model.init_args.model` of its files, later ones overriding."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = _merge(merged, _read_yaml(path))
    model = merged.get("model") or {}
    values = (model.get("init_args") or model).get("model")
    if values is None:
        raise InputError(f"{', '.join(paths)}: no model is described there")
    return from_dict(ModelSpec, values, "model")


def _read_yaml(path: str) -> dict[str, Any]:
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

"""Settings of a training: YAML files and options of the command line, merged key by key, later ones over earlier."""

from __future__ import annotations

import re
from typing import Any

import yaml

from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError
from idfacevc.files import read_yaml

Settings = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML whose numbers may be written 1e-4, as YAML 1.2 and Python have them."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read_model(paths: list[str]) -> ModelSpec:
    """The `ModelSpec` of a training configuration: `model.init_args.model` of its files, later ones overriding.

    Raises:
        InputError: for a file that cannot be read, is no YAML, describes no model, or one with a wrong key or value.
    """
    merged: Settings = {}
    for path in paths:
        merged = _merge(merged, read_yaml(path, _Loader))
    values: Any = merged.get("model")
    values = values.get("init_args", values) if isinstance(values, dict) else None
    values = values.get("model") if isinstance(values, dict) else None
    if values is None:
        raise InputError(f"{', '.join(paths)}: no model is described there")
    return from_dict(ModelSpec, values, "model")


def read_settings(arguments: list[str]) -> tuple[Settings, list[str]]:
    """Merge `--config FILE` and `--a.b.c VALUE`, in their order on the command line.

    A mapping changes what it names and leaves the rest; a null takes a setting away.

    Returns:
        The settings, and the arguments that are neither of the two.
    Raises:
        InputError: for a file that cannot be read.
    """
    settings: Settings = {}
    rest: list[str] = []
    arguments = [part for one in arguments for part in (one.split("=", 1) if one.startswith("--") else [one])]
    while arguments:
        name, *arguments = arguments
        option = name.removeprefix("--")
        ours = name.startswith("--") and (option == "config" or "." in option) and not option.endswith("+")
        if not ours or not arguments or arguments[0].startswith("--"):
            rest.append(name)
            continue
        value, *arguments = arguments
        if option == "config":
            settings = _merge(settings, read_yaml(value, _Loader))
        else:
            nested: Any = _load(value)
            for key in reversed(option.split(".")):
                nested = {key: nested}
            settings = _merge(settings, nested)
    return settings, rest


def _load(text: Any) -> Any:
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def _merge(base: Settings, over: Settings) -> Settings:
    both = {
        key: _merge(base[key], over[key])
        for key in base.keys() & over.keys()
        if isinstance(base[key], dict) and isinstance(over[key], dict)
    }
    return base | over | both

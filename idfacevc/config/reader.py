"""Closed dataclasses out of plain values: unknown keys and values of the wrong kind are errors.

In a union of dataclasses the field `kind` chooses the class.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import types
import typing
from typing import Any, Literal, TypeVar

from idfacevc.errors import InputError

T = TypeVar("T")
_LARGEST = 10**6
_REPEATS = ("layers", "stacks", "blocks", "heads", "convs", "codebooks")  # what is built one after another
_MOST_REPEATS = 256


def from_dict(cls: type[T], values: Any, where: str = "") -> T:
    """Build dataclass `cls` from nested plain values; an unknown key or a wrong kind of value is an `InputError`."""
    return construct(cls, values, where or cls.__name__)


def construct(cls: type[T], values: Any, where: str) -> T:
    """Call a class with plain values for its typed arguments, dataclasses among them from mappings.

    Args:
        cls: Any class whose arguments have type hints.
        values: Arguments by name.
        where: Name of the mapping in error messages.
    Raises:
        InputError: for an unknown or missing argument, or a value of another type.
    """
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected a mapping, got {type(values).__name__}")
    known = inspect.signature(cls).parameters
    if unknown := sorted(set(values) - set(known)):
        raise InputError(f"{where}: unknown key {', '.join(unknown)}; known keys: {', '.join(sorted(known))}")
    required = {name for name, one in known.items() if one.default is inspect.Parameter.empty}
    if missing := sorted(required - set(values)):
        raise InputError(f"{where}: missing key {', '.join(missing)}")
    hints = typing.get_type_hints(cls if dataclasses.is_dataclass(cls) else cls.__init__)
    built = {key: _convert(hints[key], value, f"{where}.{key}") for key, value in values.items()}
    try:
        return cls(**built)
    except TypeError as error:
        raise InputError(f"{where}: {error}") from None


def to_dict(config: Any) -> dict[str, Any]:
    """The plain nested mapping that `from_dict` reads back."""
    return dataclasses.asdict(config)


def _kind(kinds: list[Any], value: Any, where: str) -> Any:
    """The dataclass of a union that the field `kind` of a mapping names; the first one unless it is given."""
    if not isinstance(value, dict):
        return next((kind for kind in kinds if isinstance(value, kind)), kinds[0])
    by_name = {kind.kind: kind for kind in kinds}
    name = value.get("kind", kinds[0].kind)
    if not isinstance(name, str) or name not in by_name:
        raise InputError(f"{where}.kind: {name!r} is none of {', '.join(map(repr, by_name))}")
    return by_name[name]


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        kinds = [arg for arg in args if arg is not type(None)]
        return _convert(kinds[0] if len(kinds) == 1 else _kind(kinds, value, where), value, where)
    if origin is Literal:
        if value not in args:
            raise InputError(f"{where}: {value!r} is none of {', '.join(map(repr, args))}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{where}: expected a list, got {value!r}")
        return tuple(_convert(args[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else from_dict(hint, value, where)  # type: ignore[arg-type]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < _LARGEST else math.inf
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where}: {value} is no finite number")
    if hint is int and isinstance(value, int) and abs(value) > _LARGEST:
        raise InputError(f"{where}: is out of range")
    if hint is int and isinstance(value, int) and where.endswith(_REPEATS) and value > _MOST_REPEATS:
        raise InputError(f"{where}: {value} is out of range, at most {_MOST_REPEATS} are allowed")
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is not bool and isinstance(value, bool))):
        raise InputError(f"{where}: expected {hint.__name__}, got {value!r}")
    return value

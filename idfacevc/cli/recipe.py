"""Commands of a recipe, which only a checkout of the repository has: recipes use the framework, never the reverse."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from idfacevc.errors import InputError

_CHECKOUT = Path(__file__).resolve().parents[2]


def add_recipes() -> None:
    """Make the package `recipes` of a checkout importable, for configurations that name its classes."""
    if (_CHECKOUT / "recipes" / "__init__.py").is_file() and str(_CHECKOUT) not in sys.path:
        sys.path.append(str(_CHECKOUT))


def recipe(module: str) -> ModuleType:
    """The module `recipes.<module>`.

    Raises:
        InputError: where the package is installed without its repository.
    """
    add_recipes()
    try:
        return importlib.import_module(f"recipes.{module}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("recipes"):
            raise
        raise InputError("this command belongs to a recipe: it needs a checkout of the repository") from error

"""A public name stands for one thing in the package and its recipes."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# names that several files define since they fill the same place in each
ROLES = {
    "main": "what a program runs",
    "add_parser": "options of a verb of the command line",
    "run": "a verb of the command line, or an engine of the preparation",
    "train": "the step of a recipe that trains",
    "available": "whether a base speaker is installed",
    "find_weights": "where the weights of a base speaker are",
}


def defined(path: Path) -> Iterator[str]:
    """Public classes, functions and type aliases of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            names = (target.id for target in node.targets if isinstance(target, ast.Name))
            yield from (name for name in names if name != name.upper() and name[0].isupper())


def test_no_name_stands_for_two_things() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for folder in ("idfacevc", "recipes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name in defined(path):
                if not name.startswith("_"):
                    homes[name].append(str(path.relative_to(ROOT)))
    repeated = {name: files for name, files in homes.items() if len(files) > 1}
    assert {name: files for name, files in repeated.items() if name not in ROLES} == {}
    assert repeated.keys() == ROLES.keys(), "a role that only one file fills needs no entry"

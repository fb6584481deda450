"""`idfacevc evaluate demo`: write the test set, measure it as any list, and add the demo's own tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from idfacevc.errors import InputError
from idfacevc.evaluation.run import Sections, evaluate_pairs, summary
from idfacevc.files import make_folder, write_whole
from recipes.demo.evaluate.tables import own_tables
from recipes.demo.evaluate.test_set import SOURCES, write_test_set


def evaluate_demo(
    corpora: Path,
    checkpoint: str,
    out: Path,
    pairing: Path | None = None,
    sources: int = SOURCES,
    workers: int = 1,
    results: Path | None = None,
) -> Sections:
    """The tables by title; `out` gets the test set and what `idfacevc evaluate run` writes, and tables.md.

    Args:
        corpora: Folder of the demo's speech and faces.
        sources: Sources of each condition.
        checkpoint, out, workers, results: As in `evaluate_pairs`.
        pairing: As in `own_tables`.
    """
    if not (corpora / "speech.tsv").is_file():
        raise InputError(f"{corpora}: holds no speech.tsv; give the folder of the demo's corpora (--corpora)")
    make_folder(out)
    table = write_test_set(corpora, out / "test-set", sources)
    further = partial(own_tables, corpora=corpora, pairing=pairing, workers=workers)
    sections = evaluate_pairs(table, checkpoint, out, "offline", workers, results, further)
    write_whole(out / "tables.md", summary(sections, out) + "\n")
    return sections

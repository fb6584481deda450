"""Rows of the tables: conditions of a list, and what stands beside them as a floor or ceiling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from idfacevc.evaluation.measurement import Measurement
from idfacevc.evaluation.pairs import Pair

OUTPUTS = "outputs"
SOURCES = "source recordings"
COPIES = "vocoder copy-synthesis of the sources"
RANDOM = "random-face control"
SAME_GENDER = "same-gender random control"
TRUE = "other recordings of the true speaker"


def by_condition(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Rows of each part of a list; rows that name no part are `OUTPUTS`."""
    parts: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        parts[pair.condition or OUTPUTS].append(pair)
    return dict(parts)


def where_they_apply(table: Sequence[Measurement]) -> list[Measurement]:
    """Without the cells of parts of a list in which a metric has nothing to measure, if another part has it."""
    measured = {cell.info.name for cell in table if cell.estimate is not None}
    return [cell for cell in table if cell.estimate is not None or cell.info.name not in measured]

"""Our writing-out of English against two independent ones.

`pip install num2words nemo-text-processing`, then `python benchmarks/text_rules.py`. The first compares number words
(cardinals, ordinals), the second the rows of `tests/text/readings.tsv`; one that is not installed is left out, with a
line that says so. Both differ from us in style ("and", commas, hyphens), so words are compared without these. NeMo's
grammars take about 100 s to build.
"""

from __future__ import annotations

import csv
import random
import re
from collections import defaultdict
from pathlib import Path

from idfacevc.text.rules.numbers import cardinal, ordinal

READINGS = Path(__file__).parents[1] / "tests" / "text" / "readings.tsv"
# The same words in British and American spelling, and words that one may leave out.
_SAME = {"metre": "meter", "litre": "liter", "doctor": "doctor", "oh": "o"}
_LEFT_OUT = {"and", "the", "of", "a"}


def bare(words: str) -> list[str]:
    """Words in small letters without hyphens, marks and what styles differ in."""
    text = words.lower().replace("-", " ")
    for ours, theirs in _SAME.items():
        text = text.replace(ours, theirs)
    return [word for word in re.findall(r"[a-z]+", text) if word not in _LEFT_OUT]


def compare_numbers() -> None:
    try:
        from num2words import num2words
    except ImportError:
        print("num2words: not installed")
        return
    draw = random.Random(0)
    numbers = [*range(2000), *(draw.randrange(10 ** draw.randrange(4, 36)) for _ in range(20_000))]
    for name, ours in (("cardinal", cardinal), ("ordinal", ordinal)):
        wrong = [n for n in numbers if bare(ours(n)) != bare(num2words(n, to=name))]
        print(f"num2words, {name}: {len(numbers) - len(wrong)} of {len(numbers)} equal", wrong[:3])


def compare_readings() -> None:
    try:
        from nemo_text_processing.text_normalization.normalize import Normalizer
    except ImportError:
        print("nemo-text-processing: not installed")
        return
    grammar = Normalizer(input_case="cased", lang="en")
    with READINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    equal: dict[str, int] = defaultdict(int)
    for row in rows:
        theirs = grammar.normalize(row["written"])
        if bare(theirs) == bare(row["said"]):
            equal[row["kind"]] += 1
        else:
            print(f"{row['kind']}\t{row['written']}\n\tours: {row['said']}\n\tNeMo: {theirs}")
    for kind in dict.fromkeys(row["kind"] for row in rows):
        print(f"{kind}: {equal[kind]} of {sum(row['kind'] == kind for row in rows)} equal")


if __name__ == "__main__":
    compare_numbers()
    compare_readings()

"""English text with everything written out in words: numbers, dates, times, money, units, abbreviations, addresses.

The rules are in `idfacevc.text.rules`, one kind a file. Their order matters: what is more specific comes first, and
what it writes holds no digits. Number words come from there as well: `num2words` gives the same ones
(`benchmarks/text_rules.py` compares them), and what is hard is not them but telling what a number counts.
"""

from __future__ import annotations

import re

from idfacevc.text.rules import abbreviations, addresses, characters, dates, numerals, quantities, ranges, signs
from idfacevc.text.rules.numbers import cardinal, digits, number_words, ordinal, ordinal_words, year
from idfacevc.text.rules.rule import NUMBER, apply, rule

__all__ = ["cardinal", "ordinal", "write_out", "year"]


def _point(match: re.Match[str]) -> str:
    return f"point {digits(match[1])}"


_PLAIN_NUMBERS = (
    rule(rf"\b({NUMBER})(?:st|nd|rd|th)\b", lambda match: ordinal_words(match[1]), re.IGNORECASE),
    rule(r"(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])", " "),
    rule(r"(?<=\d),(?=\d)(?!\d{3}(?!\d))", ", "),
    rule(r"(?<![\w.])\.(\d+)", _point),
    *dates.BARE_YEARS,
    rule(NUMBER, lambda match: number_words(match[0])),
)
_RULES = (
    *signs.MARKUP,
    *addresses.WRITTEN,
    rule(r"(?<=[a-z]{2})([.!?])(?=[A-Z][a-z])", r"\1 "),
    *addresses.NUMBERED,
    *numerals.RULES,
    *signs.RULES,
    *ranges.RULES,
    *dates.NUMERIC,
    *abbreviations.RULES,
    *dates.RULES,
    *quantities.RULES,
    rule(r"(?s).+", lambda match: characters.name_signs(match[0])),
    *_PLAIN_NUMBERS,
    *signs.LEFTOVERS,
    rule(r"(?<=\w)\s-(?=\w)", "-"),
)


def write_out(text: str) -> str:
    """Text in which words stand for digits, signs, abbreviations and pictures."""
    return apply(_RULES, text)

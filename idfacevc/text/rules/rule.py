"""One rule: a pattern, and what stands in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

# Three digits behind each comma are thousands; "1,5" is two numbers.
NUMBER = r"(?<!\d)(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]*\d)|\d+(?:\.\d+)?)"


def rule(pattern: str, replacement: str | Callable[[re.Match[str]], str], flags: int = 0) -> Rule:
    return re.compile(pattern, flags), replacement


def apply(rules: Iterable[Rule], text: str) -> str:
    """The text after all rules, one after another."""
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def any_of(words: Iterable[str]) -> str:
    """A pattern that matches the longest of some words."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))

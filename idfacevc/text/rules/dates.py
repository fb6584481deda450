"""Dates, years, decades and times of day."""

from __future__ import annotations

import re

from idfacevc.text.rules.numbers import cardinal, number_words, ordinal, plural, year
from idfacevc.text.rules.rule import rule

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTH = "|".join(f"{month}|{month[:3]}\\b\\.?" for month in _MONTHS) + r"|Sept\b\.?"
_ORDINAL = "(?:st|nd|rd|th)"
_NOT_PLURALS = "was|is|has|this|its|as|us|his|does|always|perhaps|less|across|towards|thus|plus|versus|minus|times"
_COUNTS = rf"(?:\s+[a-z]+)??\s+(?!(?:{_NOT_PLURALS})\b)(?:[a-z]{{3,}}s\b|people\b|men\b|women\b|children\b)"
_DATED = re.compile(
    r"\b(?:in|since|by|from|until|till|to|year|circa|after|before|around|late|early|mid|the|of|and|for)\s+$"
    r"|[('-]\s*$",
    re.IGNORECASE,
)


def month_name(text: str) -> str:
    """ "Sept." → "September"."""
    return next(month for month in _MONTHS if month[:3].lower() == text[:3].lower())


def _short_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text) if int(text) < 50 else 1900 + int(text)


def _numeric_date(match: re.Match[str]) -> str:
    first, second, third = match[1], match[3], match[4]
    if len(first) == 4:
        date, month, day = int(first), int(second), int(third)  # ISO: 2024-03-05
    else:
        date, month, day = _short_year(third), int(first), int(second)  # 3/5/2024 is March in American English,
        if match[2] == "." or month > 12:  # unless points stand between or there is no such month
            month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {year(date)}"


def _month_first(match: re.Match[str]) -> str:
    month, day, date = match.groups()
    return f"{month_name(month)} {ordinal(int(day))}" + (f", {year(int(date))}" if date else "")


def _day_first(match: re.Match[str]) -> str:
    day, month, date = match.groups()
    return f"the {ordinal(int(day))} of {month_name(month)}" + (f", {year(int(date))}" if date else "")


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match[1]), int(match[2]), match[3]
    if minute > 59 or hour > 24:
        return f"{cardinal(hour)} to {number_words(match[2])}"
    spoken = cardinal(hour) + (f" {'oh ' if minute < 10 else ''}{cardinal(minute)}" if minute else "")
    if half:
        return f"{spoken} {half.lower()} m"
    return spoken if minute else f"{spoken} o'clock" if 1 <= hour <= 12 else f"{spoken} hundred"


def _clock(match: re.Match[str]) -> str:
    parts = zip(map(int, match.groups()), ("hour", "minute", "second"), strict=True)
    words = [f"{cardinal(count)} {unit if count == 1 else unit + 's'}" for count, unit in parts if count]
    return " ".join([*words[:-1], "and", words[-1]]) if len(words) > 1 else (words or ["zero hours"])[0]


def _decade(match: re.Match[str]) -> str:
    number = match[1]
    return plural(year(int(number)) if len(number) == 4 else cardinal(int(number)))


def _bare_year(match: re.Match[str]) -> str:
    number = int(match[0])
    counted = re.match(_COUNTS, match.string[match.end() :])
    if counted and not _DATED.search(match.string[: match.start()]):
        return cardinal(number)
    return year(number)


NUMERIC = (
    rule(
        r"\b(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?![\d/-])(?:T(?=\d\d:))?",
        lambda match: _numeric_date(match) + (" at " if match[0].endswith("T") else ""),
    ),
    rule(r"(?<![\d/.])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/]|\.\d)", _numeric_date),
    rule(r"(?<![\d-])(\d{1,2})(-)(\d{1,2})-(\d{4})(?![\d-])", _numeric_date),
)
RULES = (
    rule(
        r"\b(ratio|scale|odds|aspect|score)((?:\s+(?:of|is|was))*\s+)(\d+):(\d+)\b(?!:)", r"\1\2\3 to \4", re.IGNORECASE
    ),
    rule(r"(?<![\d:])(\d+):(\d|\d{3,})(?![\d:])", r"\1 to \2"),
    rule(r"\b16:(9|10)\b", r"16 to \1"),
    rule(rf"\b({MONTH})\s+(\d{{1,2}}){_ORDINAL}?\b(?![:%]|\.\d)(?:,?\s+(\d{{4}})\b)?", _month_first),
    rule(rf"\b(?:the\s+)?(\d{{1,2}}){_ORDINAL}?\s+(?:of\s+)?({MONTH})\b(?:,?\s+(\d{{4}})\b)?", _day_first),
    rule(r"(?<=\bat )(\d\d:\d\d):\d\d(?:Z|[+-]\d\d:\d\d)", r"\1"),
    rule(r"\b(\d{1,3}):(\d{2}):(\d{2})\b(?:\.0+\b)?Z?", _clock),
    rule(r"\b(\d{1,2}):(\d{2})(?:\s*([apAP])\.?\s?[mM]\b)?Z?(?!\d)", _time),
    rule(r"\b(\d{1,2})\s?([apAP])\.?\s?[mM]\b", lambda match: f"{cardinal(int(match[1]))} {match[2].lower()} m"),
    rule(r"\b(in|for|after|every|within|about|last|lasts)\s+([1-9]0)s\b", r"\1 \2 seconds"),
    rule(r"\b10s\b", "10 seconds"),
    rule(r"(?:(?<!\w)'|\b)(\d{4}|[2-9]0)'?s\b", _decade),
    rule(
        r"(?<![\w.])'(\d{2})\b(?!['\"])",
        lambda match: f"{'oh ' if match[1][0] == '0' else ''}{cardinal(int(match[1]))}",
    ),
    rule(r"\b(\d{1,4})\s?(AD|BC|BCE|CE)\b", lambda match: f"{year(int(match[1]))} {' '.join(match[2])}"),
    rule(r"\bAD\s(\d{1,4})\b", lambda match: f"A D {year(int(match[1]))}"),
)
BARE_YEARS = (
    rule(r"(?<![\w.,-])10[1-9]\d\b(?<=\bin 10\d\d)(?![.,]?\d)", lambda match: year(int(match[0]))),
    rule(r"(?<![\w.,-])(?:1[1-9]\d\d|20\d\d)\b(?![.,]?\d|-\w)", _bare_year),
)

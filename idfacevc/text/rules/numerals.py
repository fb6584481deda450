"""Roman numerals as digits: ordinals behind the names of rulers, numbers behind chapters, wars and the like."""

from __future__ import annotations

import re

from idfacevc.text.rules.numbers import numeral_value
from idfacevc.text.rules.rule import rule

_RULERS = frozenset(
    """henry louis charles george edward elizabeth william james richard philip peter catherine alexander nicholas
    napoleon pius benedict leo gregory paul john innocent clement urban boniface frederick wilhelm friedrich ivan
    ferdinand francis leopold albert christian gustav carl karl olav haakon harald ramses ramesses thutmose amenhotep
    cleopatra ptolemy darius xerxes cyrus artaxerxes mehmed murad selim suleiman otto conrad henri rama mary anne
    margaret victoria isabella juan felipe carlos alfonso umberto vittorio emmanuel emanuel robert david kenneth
    constantine justinian theodosius basil michael sixtus julius adrian celestine stephen baldwin edmund joseph
    maximilian rudolf ludwig franz augustus sigismund casimir boleslaus mohammed muhammad hassan hussein abdullah
    thomas samuel daniel walter arthur harold martin andrew matthew donald""".split()
)
_COUNTED = (
    "war|chapter|part|volume|vol|book|act|scene|section|article|appendix|phase|stage|type|class|level|title|episode"
    "|season|bowl|olympiad|mark|figure|table|psalm|verse|canto|division|apollo|fantasy|vatican|quest"
    "|tier|factor|schedule|amendment|lesson|unit|step|exhibit|group|grade|round|page|pages|rocky|symphony|sonata|no|sec|fig|ch|art|pt|part"
)
_REIGNS = re.compile(
    r"\s*(?:$|[.,;:!?)]|'s\b|(?:of|was|is|and|who|died|ruled|reigned|became|had|in|to|has|or|on|at|as|for|from|by|with)\b)"
)


def _counted(match: re.Match[str]) -> str:
    word, numeral = match.groups()
    value, behind = numeral_value(numeral.upper()), match.string[match.end() :]
    if value is None or (len(numeral) == 1 and numeral not in "IVX") or not (numeral.islower() or numeral.isupper()):
        return match[0]
    if numeral == "I" and re.match(r"\s+[a-z]", behind) and not _REIGNS.match(behind):
        return match[0]  # "the part I like"
    return f"{word}{value}"


def _named(match: re.Match[str]) -> str:
    """A numeral behind a name: "Louis XIV" → "Louis the 14th", "Rocky IV" → "Rocky 4"."""
    before, numeral = match.groups()
    value = numeral_value(numeral)
    if value is None:
        return match[0]
    names = [name.lower() for name in re.findall(r"[^\W\d_]+", before)]
    if len(numeral) == 1:
        if names[-1] not in _RULERS or not _REIGNS.match(match.string[match.end() :]):
            return match[0]
        return f"{before}the {value}th"
    if _RULERS.intersection(names[-2:]):
        return f"{before}the {value}th"
    return f"{before}{value}" if set(numeral) <= set("IVX") else match[0]


def _alone(match: re.Match[str]) -> str:
    value = numeral_value(match[0])
    if value is None:
        return match[0]
    return "I V" if match[0] == "IV" else str(value)


def _century(match: re.Match[str]) -> str:
    value = numeral_value(match[1])
    return f"{value}th{match[2]}" if value else match[0]


def _span(match: re.Match[str]) -> str:
    first, second = numeral_value(match[1].upper()), numeral_value(match[2].upper())
    return f"{first} to {second}" if first and second and first < second else match[0]


RULES = (
    rule(r"\b([IVXLC]+)\s?-\s?([IVXLC]+)\b", _span),
    rule(r"(?<=[a-z.]\s)([ivxlc]+)\s?-\s?([ivxlc]+)\b", _span),
    rule(r"(?m)^([IVX]{2,})(?=\.\s+[A-Z])()", lambda match: str(numeral_value(match[1]) or match[1])),
    rule(r"\b([IVXLC]+)(?:th|st|nd|rd)?(\s+(?:century|centuries)\b)", _century),
    rule(r"\b([IVXLC]{2,})(?:th|st|nd|rd)()\b", _century),
    rule(rf"\b((?:{_COUNTED})s?\.?\s+)([IVXLCDM]+)\b(?!\.\w|'[a-z])", _counted, re.IGNORECASE),
    rule(r"(\()([ivx]+)(?=\))", _counted),
    rule(r"\b((?:[^\W\d_][^\W\d_]*\s)?[A-Z][^\W\d_]+\s)([IVXLCDM]+)\b(?!\.\w)", _named),
    rule(r"\b(?:I{2,3}|IV|VI{2,3}|IX|X[IV]+|XX[IV]+|XXX[IV]+|M[CDXLIVM]{3,})\b", _alone),
)

""" "to" between the ends of a range, "minus" in a sum, "by" between measures. Numbers stay as they are written."""

from __future__ import annotations

import re

from idfacevc.text.rules.dates import MONTH, month_name
from idfacevc.text.rules.quantities import CODE, MONEY_SIGN, SCALE, UNIT
from idfacevc.text.rules.rule import NUMBER, rule

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = "|".join(_DAYS) + r"|Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun"
_ORDINAL = r"(?:st|nd|rd|th)"
_CLOCK = r"\d{1,2}:\d{2}"
_BEHIND = rf"\s?(?:[ap]\.?\s?m\b\.?|%|°\s?[CF]?|{_ORDINAL}\b|{SCALE}\b|s\b|{MONEY_SIGN}|(?:{UNIT})(?!\w))"
_TERM = r"(?:\(*\d+(?:[.,]\d+)*\)*|\b[a-zA-Z](?:\^\d+)?\b)"
_SUM = rf"(?<![\w.,+*/×÷^(-]){_TERM}(?:\s?[-+*/×÷^]\s?{_TERM}){{1,20}}"


def _sum(match: re.Match[str]) -> str:
    text = re.sub(r"(?<=[\w)])\s?-\s?(?=[\w(])", " minus ", match[0])
    text = re.sub(r"(?<=[\w)])\s?[÷/]\s?(?=[\w(])", " divided by ", text)
    return re.sub(r"(?<=[\w)])\s?[*×]\s?(?=[\w(])", " times ", text)


def _day(text: str) -> str:
    return next(day for day in _DAYS if day[:3] == text[:3])


def _to(match: re.Match[str]) -> str:
    """The left end and "to"; a currency sign or scale at one end only counts for both: "$5-10k" → "5 to $10k"."""
    left, sign = match[1], re.match(MONEY_SIGN, match[1])
    if sign and match[2] == "-":
        right = match.string[match.end() :]
        if right[0].isdigit():
            return f"{left[1:].lstrip()} to {sign[0]}"
        if left[-1].isdigit() and re.match(rf"{re.escape(sign[0])}\s?{NUMBER}\s?{SCALE}\b", right):
            return f"{left[1:].lstrip()} to "
    return f"{left} to "


RULES = (
    rule(rf"{_SUM}(?=\s?=)|(?<==)\s?{_SUM}|{_SUM}(?=\s+equals\b)", _sum),
    rule(rf"({NUMBER})\s?[*×]\s?(?=10\s?\^)", r"\1 times "),
    rule(
        rf"({NUMBER})\s?([x×])\s?"
        rf"(?={NUMBER}(?:\s?[x×]|\s?(?:mm|cm|m|km|in|ft|px|pixels|feet|inches|metres|meters)\b))",
        r"\1 by ",
    ),
    rule(r"\b(?!0x)(\d+)x(?=\d)|\b(\d{3,})\s?×\s?(?=\d{3})", lambda match: f"{match[1] or match[2]} by "),
    rule(r"(\d)\s?[\"″]\s?[x×]\s?(?=\d)", r"\1 by "),
    rule(rf"\b({NUMBER})[xX]\b(?!\s*[-+=*/^])", r"\1 times"),
    rule(r"\b(Q[1-4])\s?-\s?(?=Q[1-4]\b)", r"\1 to "),
    rule(rf"\b({CODE})\s?({NUMBER})\s?-\s?(?={NUMBER})", r"\2 to \1 "),
    rule(rf"(?<![\w.%)°$€£¥'\"^])([$€£¥]?)-(?=\.?\d|{MONEY_SIGN}\d)", r"minus \1"),
    rule(r"\b(50|20)[-/]\1\b", r"\1 \1"),
    rule(r"(\d{4}-\d{1,2}-\d{1,2})\s?-\s?(?=\d{4}-\d)", r"\1 to "),
    rule(rf"\b({MONTH})\s+(\d{{1,2}})({_ORDINAL})?\s?-\s?(\d{{1,2}})(?:{_ORDINAL})?(?![\d:/-])", r"\1 \2\3 to \4th"),
    rule(
        rf"(?<![\w/-])(\d{{1,2}})(?:{_ORDINAL})?\s?-\s?(\d{{1,2}}{_ORDINAL}?)" rf"(?=\s+(?:of\s+)?(?:{MONTH})\b)",
        r"the \1th to \2",
    ),
    rule(rf"\b((?:{MONTH})(?:\s+\d{{1,4}}(?:{_ORDINAL})?(?:,\s\d{{4}})?)?)\s?-\s?(?=(?:{MONTH})\b)", r"\1 to "),
    rule(rf"\b((?:{MONTH}))(,?\s\d{{4}})?\s?-\s?(?=\d{{1,2}}{_ORDINAL}?\s+(?:{MONTH})\b)", r"\1\2 to "),
    rule(rf"\b({_DAY})\b\.?\s?-\s?({_DAY})\b\.?", lambda match: f"{_day(match[1])} to {_day(match[2])}"),
    rule(rf"\b({MONTH})\s?-\s?({MONTH})\b", lambda match: f"{month_name(match[1])} to {month_name(match[2])}"),
    rule(r"\b([Aa])-(?=[Zz]\b)", r"\1 to "),
    rule(
        rf"(?<![\w.,:/@#^-])((?:{MONEY_SIGN}\s?)?(?:{_CLOCK}|{NUMBER})(?:{_BEHIND})?)(\s-\s|-)"
        rf"(?=(?:{MONEY_SIGN}\s?)?-?(?:{_CLOCK}|{NUMBER})(?!\d|-\d|/\d|[.,:]\d|\w*\^))",
        _to,
    ),
)

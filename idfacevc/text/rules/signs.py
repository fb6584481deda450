"""Signs that no other rule has taken, as words or as a pause."""

from __future__ import annotations

import re

from idfacevc.text.rules.rule import rule

_SAID = {"&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "/": " slash ", "#": " hash ", "*": " times ",
         "<": " less than ", ">": " greater than ", "~": " ", "^": " caret ", "\\": " backslash ", "_": " ",
         "%": " percent ", "$": " dollars ", "€": " euros ", "£": " pounds ", "¥": " yen ", "¢": " cents ",
         "|": ", ", "[": "(", "]": ")", "{": "(", "}": ")", "`": " ", "×": " times ", "÷": " divided by "}  # fmt: skip

# Marks of plain-text formatting are for the eye.
MARKUP = (
    rule("⁄", "/"),
    rule(r"(?m)^\s*#{1,6}\s+(?=\w)", ""),
    rule(r"([\w)\"'])[ \t]*\n[ \t]*[-*•+‣▪][ \t]+(?=\S)", r"\1; "),
    rule(r"(?m)^[ \t]*[-*•+‣▪][ \t]+(?=\S)", ""),
    rule(r"\s[•‣▪]\s", "; "),
    rule(r"(?<!\w)(\*\*|__|~~|\*|_)(?=\S)([^*_~\n]+?)(?<=\S)\1(?!\w)", r"\2"),
    rule(r"([-=_*#~.+]){4,}|(?<!\S)([-=_*#~]){2,}(?!\S)", " "),
    rule(r"(?<=[^\W\d])\*+|(?<!\S)\*+(?=[^\W\d])", ""),
)
RULES = (
    rule(r"\b([CF])#(?!\w)", r"\1 sharp"),
    rule(r"(?:->|=>|-->)", " to "),
    rule(r"!=", " not equal to "),
    rule(r"<=", " less than or equal to "),
    rule(r">=", " greater than or equal to "),
    rule(r"={2,}", " equals "),
    rule(r"~\s?(?=\d|[$€£])", "about "),
    rule(r"#\s?(?=\d)", "number "),
    rule(r"\bNo(?=\s\d)", "number"),
    rule(r"\bRs\.?\s?(?=\d)", "₹"),
)
LEFTOVERS = (rule(f"[{re.escape(''.join(_SAID))}]", lambda match: _SAID[match[0]]),)

"""What stands for a place rather than a quantity: web and mail addresses, handles, tags, files, telephone numbers."""

from __future__ import annotations

import re

from idfacevc.text.rules.numbers import digits, number_words
from idfacevc.text.rules.rule import rule

_SPOKEN = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "?": "question mark", "=": "equals",
           "&": "and", "#": "hash", ":": "colon", "%": "percent", "+": "plus", "~": "tilde"}  # fmt: skip
_DOMAINS = "com|org|net|edu|gov|io|ai|co|uk|de|fr|eu|info|dev|app|me|tv|us|ca|au|jp|ch|nl|it|es|se|no|biz"
_FILES = (
    "pdf|txt|md|csv|json|ya?ml|py|js|ts|html?|css|xml|zip|gz|tar|jpe?g|png|gif|svg|docx?|xlsx?|pptx?|exe|sh|mp[34]"
    "|wav|flac|mov|avi|mkv|log|cpp|rs|go|java|iso|dll|toml|ini"
)


def address(text: str) -> str:
    """A web or mail address as one would read it out: "https://www.example.com/a" → "example dot com slash a"."""
    bare = re.sub(r"^(?:\w+://)?(?:www\.)?", "", text, flags=re.IGNORECASE)
    body = bare.rstrip(".,;:!?)\"'/")
    tail = bare[len(body) :].replace("/", "")
    words = re.sub(r"[^\w]|_", lambda match: f" {_SPOKEN.get(match[0], '')} ", body)
    words = re.sub(r"\d+", lambda match: f" {_code(match[0])} ", words)
    return " ".join(words.split()) + tail


def _code(text: str) -> str:
    """Digits of an address: short ones as a number, long ones one by one."""
    return number_words(text) if len(text) <= 2 else digits(text)


def _tag(match: re.Match[str]) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", match[1])
    return f"hashtag {words}"


def _handle(match: re.Match[str]) -> str:
    return "at " + re.sub(r"_+", " underscore ", match[1]).strip()


def _groups(match: re.Match[str]) -> str:
    """Groups of digits, each digit by digit; "+" is said and letters stay."""
    groups = [part for part in re.split(r"[^\w+]+", match[0]) if part]
    said = [digits(group) if group.isdigit() else group for group in groups]
    return ", ".join(re.sub(r"^\+(\d+)", lambda code: "plus " + digits(code[1]), group) for group in said)


def _version(match: re.Match[str]) -> str:
    return " point ".join(map(number_words, match[0].split(".")))


def _dotted(match: re.Match[str]) -> str:
    return " dot ".join(_code(part) for part in match[0].split("."))


WRITTEN = (
    rule(r"\b(?:https?|ftp|ssh|file)://[^\s<>\"]+|\bwww\.[^\s<>\"]+", lambda match: address(match[0]), re.IGNORECASE),
    rule(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", lambda match: address(match[0])),
    rule(
        rf"\b[A-Za-z0-9](?:[\w-]*\.)+(?:{_DOMAINS})\b(?:[/:?#][^\s<>\"]*)?(?!\w|\.\w)", lambda match: address(match[0])
    ),
    rule(rf"(?<![\w./])[\w-]+(?:\.[\w-]+)*\.(?:{_FILES})\b(?!\.\w)", lambda match: address(match[0])),
    rule(r"(?<![\w/])(?:(?:/[\w.-]+){2,}|[~.]{1,2}(?:/[\w.-]+)+)/?", lambda match: address(match[0])),
    rule(r"(?<![\w&])#(\d+[A-Z]\w+|[^\W\d]\w*)", _tag),
    rule(r"(?<!\S)@(\w+)", _handle),
)
NUMBERED = (
    # telephone numbers and the like
    rule(
        r"\b(call|dial|ring|text|phone)\s+(\d{3})\b(?![-\s.]?\d)", lambda match: f"{match[1]} {digits(match[2])}", re.I
    ),
    rule(r"(?<![\d+.,])(?<![\d)] )[1-9]\d{0,2}(?: \d{3})* 000(?![ .,]?\d)", lambda match: match[0].replace(" ", ",")),
    rule(r"(?<!\w)\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){1,6}\d(?!\w)", _groups),
    rule(r"(?<!\w)(?:\d[ .-])?\(\d{3}\)[ .-]?\d{3}[ .-]\d{4}\b", _groups),
    rule(r"\b(?:\d{1,2}[ .-])?\d{3}([ .-])\d{3}\1\d{4}\b", _groups),
    rule(r"\b0\d{2,4}[ -]\d{3,4}(?:[ -]\d{3,4})?\b", _groups),
    rule(r"\b1-\d{3}-(?:\d{3}-)?[A-Z]{4,}\b", _groups),
    rule(r"\b\d{4}(?:[ -]\d{4}){2,}\b", _groups),
    rule(r"(?<![$€£¥\d.,-])\d{3}-\d{4}\b(?![-.\d])", _groups),
    rule(r"\b(?!\d{4}-\d\d?-\d\d?\b|\d\d?-\d\d?-\d{4}\b)\d+(?:-\d+){2,}[\dX]?\b", _groups),
    rule(
        r"\b([A-Z]{2}) (\d{5})(?:-(\d{4}))?\b", lambda match: " ".join([match[1], digits(match[2] + (match[3] or ""))])
    ),
    # numbers with several points
    rule(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.\d)(?=(?:/\d+)?)", _dotted),
    rule(r"\b\d{1,3}(?:\.\d{3}){2,}\b(?!\.\d)", lambda match: match[0].replace(".", ",")),
    rule(r"\b[vV](?:er\.\s?)?(?=\d)", "version "),
    rule(r"(?<![\d/])(?!\d{1,2}\.\d{1,2}\.\d{2}(?:\d{2})?\b)\d+(?:\.\d+){2,}", _version),
)

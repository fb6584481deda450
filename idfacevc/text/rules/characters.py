"""Characters that compatibility normalisation would garble, and the names of signs, pictures and foreign letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

from idfacevc.text.rules.numbers import numeral_value

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_RUN_RAISED = re.compile(f"[{''.join(_RAISED)}]+")
_RUN_LOWERED = re.compile(f"([A-Z]*)([{''.join(_LOWERED)}]+)")
_NUMERALS = re.compile("[\u2160-\u217f]+")
_THIN_SPACES = re.compile(r"(?<=\d)[\u00a0\u2009\u202f'’](?=\d{3}(?!\d))")

# What a sign is called where its Unicode name is not what one says.
_NAMES = {
    "±": "plus or minus", "∓": "minus or plus", "÷": "divided by", "×": "times", "·": "times", "≈": "approximately",
    "≃": "approximately", "≅": "approximately", "≠": "not equal to", "≤": "less than or equal to",
    "≥": "greater than or equal to", "∞": "infinity", "√": "square root of", "∛": "cube root of", "∑": "sum of",
    "∏": "product of", "∫": "integral of", "∂": "partial", "∆": "delta", "∇": "nabla", "∈": "in", "∉": "not in",
    "∪": "union", "∩": "intersection", "⊂": "subset of", "∅": "empty set", "∀": "for all", "∃": "there exists",
    "→": "to", "⇒": "implies", "←": "from", "↔": "to and from", "⇔": "if and only if", "↑": "up", "↓": "down",
    "➔": "to", "➜": "to", "§": "section", "¶": "paragraph", "©": "copyright", "‰": "per thousand", "°": "degrees",
    "♥": "heart", "❤": "heart", "★": "star", "☆": "star", "✓": "check", "✔": "check", "✅": "check", "✗": "cross",
    "✘": "cross", "❌": "cross", "♀": "female", "♂": "male", "♪": "music", "♫": "music", "☺": "smiling face",
    "☹": "frowning face", "†": "dagger", "‡": "double dagger", "Ω": "ohm", "℮": "estimated", "¤": "currency",
}  # fmt: skip
_SILENT = str.maketrans("", "", "™®℠")
_NOT_SAID = re.compile(
    r"\b(?:SIGN|SYMBOL|BLACK|WHITE|HEAVY|MEDIUM|SUIT|EMOJI|COMPONENT|VARIATION|SELECTOR|OPERATOR)\b|-"
)

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon "
    "phi chi psi omega"
).split()
_GREEK_SOUNDS = "a v g d e z i th i k l m n x o p r s s t y f h ps o".split()
_CYRILLIC = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюяёєіїґ",
        "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya yo ye i yi g".split(" "),
        strict=True,
    )
)
_SCRIPTS = {"CJK": "Chinese", "IDEOGRAPHIC": "Chinese", "DEVANAGARI": "Hindi"}


def mark_raised(text: str) -> str:
    """Raised digits behind "^", lowered ones and fractions apart from what stands before them.

    "10⁻³" → "10^-3", "CO₂" → "C O 2", "2⅓" → "2 ⅓"; compatibility normalisation would write 10-3, CO2 and 21/3.
    """
    text = _RUN_RAISED.sub(lambda match: "^" + "".join(_RAISED[char] for char in match[0]), text.translate(_SILENT))
    text = _RUN_LOWERED.sub(lambda match: f"{' '.join(match[1])} {''.join(_LOWERED[char] for char in match[2])} ", text)
    text = re.sub(r"(?<=[\d,])\s*(?=[¼½¾⅐-⅞])|(?<=[¼½¾⅐-⅞])(?=\w)", " ", text)
    text = re.sub(r"(?<=\d)\s*−\s*(?=\d)", " minus ", text).replace("−", "-")
    text = re.sub(r"(?<=[\d%$€£¥CFmks])–(?=[\d$€£¥-])|(?<=\w)–(?=\w)", "-", text)
    text = re.sub(r"(?<=\d)\s?º", "°", text)
    text = _NUMERALS.sub(_numeral, text)
    return _THIN_SPACES.sub(",", text)


def _numeral(match: re.Match[str]) -> str:
    letters = unicodedata.normalize("NFKC", match[0]).upper()
    return str(numeral_value(letters) or letters)


def name_signs(text: str) -> str:
    """Signs, pictures and letters of other scripts as English words; characters without a name stay."""
    return "".join(_named(kind, list(run)) for kind, run in groupby(text, _kind))


def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if char.isascii() or category[0] in "ZC" or category in ("Mn", "Me"):
        return "plain"
    if category in ("Nd", "Nl", "No"):
        return "digits"
    if category[0] in "LM":
        script = re.split("[ -]", unicodedata.name(char, "?"))[0]
        return "plain" if script in ("LATIN", "MODIFIER", "?", "FEMININE", "MASCULINE") else script
    if "REGIONAL INDICATOR" in unicodedata.name(char, ""):
        return "flag"
    return "sign" if category[0] == "S" or char in _NAMES else "plain"


def _named(kind: str, run: list[str]) -> str:
    if kind == "plain":
        return "".join(run)
    if kind == "digits":
        return "".join(map(_digit, run))
    if kind == "flag":
        return " flag " + " ".join(unicodedata.name(char)[-1] for char in run) + " "
    if kind == "sign":
        return " " + " ".join(_signs(run)) + " "
    return f" {_foreign(kind, run)} "


def _digit(char: str) -> str:
    value = unicodedata.numeric(char)
    return str(int(value)) if value == int(value) else f" {unicodedata.name(char).lower()} "


def _signs(run: list[str]) -> Iterator[str]:
    """A name for each sign, once for a row of the same; pictures are set off by commas."""
    for char, _ in groupby(run):
        name = unicodedata.name(char, "")
        if char in _NAMES:
            yield _NAMES[char]
        elif not name:
            yield char
        elif "EMOJI MODIFIER" not in name and not name.startswith(("BOX DRAWINGS", "BLOCK")):
            words = " ".join(_NOT_SAID.sub(" ", name).lower().split())
            yield f", {words}," if unicodedata.category(char) == "So" else words


def _foreign(script: str, run: list[str]) -> str:
    if script == "GREEK":
        bare = unicodedata.normalize("NFD", "".join(run)).lower()
        indices = [ord(char) - ord("α") for char in bare if "α" <= char <= "ω"]
        if indices:
            return (
                " ".join(_GREEK[i] for i in indices)
                if len(indices) <= 2
                else "".join(_GREEK_SOUNDS[i] for i in indices)
            )
    if script == "CYRILLIC":
        said = "".join(_CYRILLIC.get(char.lower(), "") for char in run)
        if said:
            return said
    if script in ("HIRAGANA", "KATAKANA", "HANGUL"):  # syllables, named by how they sound
        syllables = [unicodedata.name(char).split()[-1].lower() for char in run]
        return "".join(syllable for syllable in syllables if syllable != "mark")
    return f"{_SCRIPTS.get(script, script.title())} text"

"""Numbers in words: cardinals, ordinals, years, digits, fractions and Roman numerals."""

from __future__ import annotations

import re

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = (
    "", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion", "septillion",
    "octillion", "nonillion", "decillion",
)  # fmt: skip
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_NUMERAL = re.compile(r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_NUMERAL_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_LONGEST = 15  # digits without commas that are still read as one number


def cardinal(number: int) -> str:
    """42 → "forty-two"; any whole number below 10^36."""
    if number < 0:
        return "minus " + cardinal(-number)
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{_ONES[number // 100]} hundred" + (f" and {cardinal(number % 100)}" if number % 100 else "")
    scale = (len(str(number)) - 1) // 3
    head, tail = divmod(number, 1000**scale)
    words = f"{cardinal(head)} {_SCALES[scale]}"
    return f"{words} {'and ' if tail < 100 else ''}{cardinal(tail)}" if tail else words


def ordinal(number: int) -> str:
    """42 → "forty-second"."""
    return to_ordinal(cardinal(number))


def to_ordinal(words: str) -> str:
    """ "forty-two" → "forty-second"."""
    head, last = re.fullmatch(r"(.*?)([a-z]+)", words).groups()  # type: ignore[union-attr]
    regular = last[:-1] + "ieth" if last.endswith("y") else last.removesuffix("t") + "th"
    return head + _ORDINALS.get(last, regular)


def year(number: int) -> str:
    """1905 → "nineteen oh five"."""
    century, rest = divmod(number, 100)
    if not 1010 <= number <= 9999 or (century % 10 == 0 and rest < 10):
        return cardinal(number)
    if not rest:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(text: str) -> str:
    """The digits one by one: "007" → "zero zero seven"."""
    return " ".join(_ONES[int(char)] for char in text if char.isdigit())


def number_words(text: str) -> str:
    """A number as it is written, such as "1,234.5", in words. One of very many digits is read digit by digit."""
    whole, _, fraction = text.replace(",", "").partition(".")
    too_long = len(whole) > (3 * len(_SCALES) if "," in text else _LONGEST)
    one_by_one = too_long or (len(whole) > 1 and whole.startswith("0"))
    words = digits(whole) if one_by_one else cardinal(int(whole))
    return words + (f" point {digits(fraction)}" if fraction else "")


def ordinal_words(text: str) -> str:
    """An ordinal's digits, such as "1,000", in words."""
    return to_ordinal(number_words(text))


def plural(words: str) -> str:
    """ "nineteen ninety" → "nineteen nineties"."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("x", "s")) else "s")


def fraction_words(text: str) -> str:
    """ "3/4" → "three quarters", "2 1/3" → "two and one third"."""
    whole, _, part = text.rpartition(" ")
    above, below = part.split("/")
    if max(len(above), len(below)) > 4 or int(below) < 2 or int(below) > 100 or int(above) > 99:
        words = f"{number_words(above)} over {number_words(below)}"
    else:
        words = _part_of(int(above), int(below), bool(whole))
    return f"{number_words(whole)} and {words}" if whole else words


def _part_of(above: int, below: int, behind_whole: bool) -> str:
    name = {2: "half", 4: "quarter"}.get(below) or ordinal(below)
    if above == 1:
        return f"{'a' if behind_whole and below in (2, 4) else 'one'} {name}"
    return f"{cardinal(above)} {'halves' if below == 2 else name + 's'}"


def numeral_value(text: str) -> int | None:
    """The value of a Roman numeral in capitals, None where it is none: "XIV" → 14, "IIX" → None."""
    if not _NUMERAL.fullmatch(text):
        return None
    values = [_NUMERAL_VALUES[char] for char in text]
    return sum(-here if here < behind else here for here, behind in zip(values, [*values[1:], 0], strict=True))

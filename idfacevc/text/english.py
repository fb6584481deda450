"""English text with everything written out in words: numbers, dates, times, money, units, abbreviations, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_UNITS = {
    "%": ("percent", "percent"), "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", "degrees"),
    "km/h": ("kilometre per hour", "kilometres per hour"), "m/s": ("metre per second", "metres per second"),
    "mph": ("mile per hour", "miles per hour"), "km": ("kilometre", "kilometres"), "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"), "m": ("metre", "metres"), "ft": ("foot", "feet"), "mi": ("mile", "miles"),
    "kg": ("kilogram", "kilograms"), "mg": ("milligram", "milligrams"), "g": ("gram", "grams"),
    "lbs": ("pound", "pounds"), "lb": ("pound", "pounds"), "oz": ("ounce", "ounces"), "l": ("litre", "litres"),
    "ml": ("millilitre", "millilitres"), "ms": ("millisecond", "milliseconds"), "s": ("second", "seconds"),
    "min": ("minute", "minutes"), "h": ("hour", "hours"), "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"), "GHz": ("gigahertz", "gigahertz"), "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
    "dB": ("decibel", "decibels"), "kW": ("kilowatt", "kilowatts"), "W": ("watt", "watts"), "V": ("volt", "volts"),
}  # fmt: skip
_ABBREVIATIONS = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor", "Capt": "Captain",
    "Gen": "General", "Lt": "Lieutenant", "Sgt": "Sergeant", "Col": "Colonel", "Rev": "Reverend", "Hon": "Honourable",
    "Gov": "Governor", "Sen": "Senator", "Mt": "Mount", "vs": "versus", "approx": "approximately", "dept": "department",
    "e.g": "for example", "i.e": "that is", "Fig": "Figure", "vol": "volume", "ca": "circa",
}  # fmt: skip
# These may end a sentence, so that their full stop stays where a capital or nothing follows.
_FINAL_ABBREVIATIONS = {
    "etc": "et cetera", "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Ltd": "Limited", "Co": "Company",
    "Corp": "Corporation", "a.m": "a m", "p.m": "p m", "U.S": "U S", "U.S.A": "U S A", "U.K": "U K", "et al": "et al",
    "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road",
}  # fmt: skip
_SIGNS = {"&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "/": " slash ", "#": " number ", "×": " times "}
# Characters that compatibility normalisation would turn into plain digits.
SYMBOLS = str.maketrans(
    {"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "²": " squared", "³": " cubed", "−": "-", "™": "", "®": ""}
)
_FRACTIONS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MONTH = "|".join(f"{month}|{month[:3]}\\.?" for month in _MONTHS) + r"|Sept\.?"
_SCALE = r"(?:\s+(thousand|million|billion|trillion)\b)?"
_SIGN = f"[{''.join(_CURRENCIES)}]"


def cardinal(number: int) -> str:
    """42 → "forty-two"."""
    if number < 0:
        return "minus " + cardinal(-number)
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{_ONES[number // 100]} hundred" + (f" and {cardinal(number % 100)}" if number % 100 else "")
    if number >= 1000 ** len(_SCALES):
        return digits(str(number))
    scale = (len(str(number)) - 1) // 3
    head, tail = divmod(number, 1000**scale)
    if not tail:
        return f"{cardinal(head)} {_SCALES[scale]}"
    return f"{cardinal(head)} {_SCALES[scale]} {'and ' if tail < 100 else ''}{cardinal(tail)}"


def ordinal(number: int) -> str:
    """42 → "forty-second"."""
    words = cardinal(number)
    head, last = re.fullmatch(r"(.*?)([a-z]+)", words).groups()  # type: ignore[union-attr]
    regular = last[:-1] + "ieth" if last.endswith("y") else last.removesuffix("t") + "th"
    return head + _ORDINALS.get(last, regular)


def year(number: int) -> str:
    """1905 → "nineteen oh five"."""
    century, rest = divmod(number, 100)
    if not 1100 <= number <= 2099 or 2000 <= number < 2010:
        return cardinal(number)
    if not rest:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(text: str) -> str:
    """The digits one by one: "007" → "zero zero seven"."""
    return " ".join(_ONES[int(char)] for char in text if char.isdigit())


def number_words(text: str) -> str:
    """A number as it is written, such as "1,234.5", in words."""
    whole, _, fraction = text.replace(",", "").partition(".")
    words = digits(whole) if len(whole) > 1 and whole.startswith("0") else cardinal(int(whole))
    return words + (f" point {digits(fraction)}" if fraction else "")


def address(text: str) -> str:
    """A web or mail address as one would read it out: "https://www.example.com/a" → "example dot com slash a"."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", text, flags=re.IGNORECASE)
    body = bare.rstrip(".,;:!?)\"'/")
    tail = bare[len(body) :].replace("/", "")
    names = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "?": "question mark", "=": "equals",
             "&": "and", "#": "hash", ":": "colon", "%": "percent", "+": "plus", "~": "tilde"}  # fmt: skip
    return " ".join(re.sub(r"[^\w]|_", lambda match: f" {names.get(match[0], '')} ", body).split()) + tail


def _money(match: re.Match[str]) -> str:
    sign, amount, scale = match.groups()
    one, many, cent, cents = _CURRENCIES[sign]
    whole, _, fraction = amount.replace(",", "").partition(".")
    if scale or len(fraction) not in (0, 2):
        return f"{number_words(amount)} {scale + ' ' if scale else ''}{many}"
    large, small = int(whole), int(fraction or 0)
    parts = [f"{cardinal(large)} {one if large == 1 else many}"] if large or not small else []
    if small:
        parts.append(f"{cardinal(small)} {cent if small == 1 else cents}")
    return " and ".join(parts)


def _quantity(match: re.Match[str]) -> str:
    amount, unit = match.groups()
    return f"{number_words(amount)} {_UNITS[unit][amount != '1']}"


def _month(text: str) -> str:
    return next(month for month in _MONTHS if month[:3].lower() == text[:3].lower())


def _numeric_date(match: re.Match[str]) -> str:
    first, second, third = (int(part) for part in match.groups())
    if first > 31:
        date, month, day = first, second, third  # ISO: 2024-03-05
    else:
        date, month, day = third, first, second  # 3/5/2024 is March in American English, unless there is no such month
        if month > 12:
            month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {year(date)}"


def _month_first(match: re.Match[str]) -> str:
    month, day, date = match.groups()
    return f"{_month(month)} {ordinal(int(day))}" + (f", {year(int(date))}" if date else "")


def _day_first(match: re.Match[str]) -> str:
    day, month, date = match.groups()
    return f"the {ordinal(int(day))} of {_month(month)}" + (f", {year(int(date))}" if date else "")


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match[1]), int(match[2]), match[3]
    if hour > 24 or minute > 59:
        return f"{cardinal(hour)} {cardinal(minute)}"
    spoken = cardinal(hour) + (f" {'oh ' if minute < 10 else ''}{cardinal(minute)}" if minute else "")
    if half:
        return f"{spoken} {half.lower()} m"
    return spoken if minute else f"{spoken} o'clock" if hour <= 12 else f"{spoken} hundred"


def _decade(match: re.Match[str]) -> str:
    words = year(int(match[1])) if len(match[1]) == 4 else cardinal(int(match[1]))
    return words.removesuffix("y") + "ies" if words.endswith("y") else words + "s"


def _fraction(match: re.Match[str]) -> str:
    return _FRACTIONS.get(match[0], f"{number_words(match[1])} over {number_words(match[2])}")


def _bare(match: re.Match[str]) -> str:
    text = match[1]
    return year(int(text)) if re.fullmatch(r"1[1-9]\d\d|20\d\d", text) else number_words(text)


def _abbreviation(match: re.Match[str]) -> str:
    word = match[1]
    if word in _ABBREVIATIONS:
        return _ABBREVIATIONS[word]
    return _FINAL_ABBREVIATIONS[word] + ("." if re.match(r"\s+[A-Z]|\s*$", match.string[match.end() :]) else "")


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_Rule = tuple[str, Callable[[re.Match[str]], str] | str]
# The order matters: what is more specific comes first, and what it writes holds no digits.
_RULES: tuple[_Rule, ...] = (
    (r"\bSt\.(?=\s+[A-Z])", "Saint"),
    (r"\bSt\.", "Street"),
    (r"\bNo\.\s*(?=\d)", "number "),
    (r"\bp\.\s*(?=\d)", "page "),
    (rf"\b({_alternatives(_ABBREVIATIONS | _FINAL_ABBREVIATIONS)})\.(?!\w)", _abbreviation),
    (r"(?<!U )(?<!S )\b([A-HJ-Z])\.\s*(?=[A-Z])", r"\1 "),  # initials
    (r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", _numeric_date),
    (r"\b(\d{1,2})[/.](\d{1,2})[/.](\d{4})\b", _numeric_date),
    (rf"\b({_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}})\b)?", _month_first),
    (rf"\b(?:the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_MONTH})\b(?:,?\s+(\d{{4}})\b)?", _day_first),
    (r"\b(\d{1,2}):(\d{2})(?:\s*([apAP])\.?\s?[mM]\b)?", _time),
    (r"\b(\d{1,2})\s?([apAP])\.?[mM]\b", lambda match: f"{cardinal(int(match[1]))} {match[2].lower()} m"),
    (rf"(?<![\w.])-(?=\d|{_SIGN})", "minus "),
    (rf"({_NUMBER})\s?({_SIGN})", r"\2\1"),
    (rf"({_SIGN})\s?({_NUMBER}){_SCALE}", _money),
    (r"\b(\d{4}|\d0)s\b", _decade),
    (r"(\d) (?=\d/\d\b)", r"\1 and "),
    (r"(?<![\d/])(\d+)/(\d+)(?![\d/])", _fraction),
    (rf"({_NUMBER})\s?({_alternatives(_UNITS)})(?!\w)", _quantity),
    (r"\b(\d+)(?:st|nd|rd|th)\b", lambda match: ordinal(int(match[1]))),
    (r"\+?\d+(?:-\d+){2,}|\b\d{3}-\d{4}\b", lambda match: ", ".join(map(digits, match[0].split("-")))),
    (r"\d+(?:\.\d+){2,}", lambda match: " point ".join(map(number_words, match[0].split(".")))),
    (rf"({_NUMBER})(?:-| - )(?=\d)", lambda match: f"{_bare(match)} to "),
    (r"(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])", " "),
    (rf"({_NUMBER})", _bare),
    (f"[{re.escape(''.join(_SIGNS))}]", lambda match: _SIGNS[match[0]]),
)
_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


def write_out(text: str) -> str:
    """Text in which words stand for digits, signs and abbreviations."""
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text

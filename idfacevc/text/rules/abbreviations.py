"""Abbreviations in full, and which of their full stops end a sentence."""

from __future__ import annotations

import re

from idfacevc.text.rules.rule import any_of, rule

# Before a name: the full stop never ends a sentence.
_TITLES = {
    "mr": "Mister", "mrs": "Missus", "ms": "Miz", "dr": "Doctor", "prof": "Professor", "capt": "Captain",
    "gen": "General", "lt": "Lieutenant", "sgt": "Sergeant", "col": "Colonel", "cpl": "Corporal", "maj": "Major",
    "cmdr": "Commander", "adm": "Admiral", "rev": "Reverend", "hon": "Honourable", "gov": "Governor",
    "sen": "Senator", "rep": "Representative", "pres": "President", "supt": "Superintendent", "messrs": "Messieurs",
    "mme": "Madame", "mlle": "Mademoiselle", "msgr": "Monsignor", "mt": "Mount", "ft": "Fort",
}  # fmt: skip
# Within a sentence.
_INNER = {
    "vs": "versus", "approx": "approximately", "cf": "compare", "viz": "namely", "ca": "circa", "esp": "especially",
    "incl": "including", "excl": "excluding", "avg": "average", "max": "maximum", "min": "minimum",
    "est": "estimated", "attn": "attention", "orig": "originally", "resp": "respectively",
}  # fmt: skip
# These end a sentence where a word follows that begins one.
_OUTER = {
    "jr": "Junior", "sr": "Senior", "inc": "Incorporated", "ltd": "Limited", "co": "Company", "corp": "Corporation",
    "bros": "Brothers", "ave": "Avenue", "blvd": "Boulevard", "rd": "Road", "ln": "Lane", "hwy": "Highway",
    "dept": "department", "govt": "government", "univ": "University", "assn": "Association",
    "intl": "International", "natl": "National", "misc": "miscellaneous", "tel": "telephone", "esq": "Esquire",
    "jan": "January", "feb": "February", "mar": "March", "apr": "April", "jun": "June", "jul": "July",
    "aug": "August", "sep": "September", "sept": "September", "oct": "October", "nov": "November",
    "dec": "December", "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "thur": "Thursday", "thurs": "Thursday", "fri": "Friday",
}  # fmt: skip
# Only before a number or a numeral.
_COUNTED = {
    "no": "number", "nos": "numbers", "p": "page", "pp": "pages", "ch": "chapter", "chap": "chapter",
    "sec": "section", "fig": "figure", "figs": "figures", "vol": "volume", "vols": "volumes", "art": "article",
    "eq": "equation", "eqs": "equations", "ex": "example", "para": "paragraph", "ext": "extension",
    "apt": "apartment", "op": "opus", "ver": "version", "tab": "table", "ref": "reference", "pt": "part",
    "ed": "edition", "ep": "episode", "lib": "book", "l": "line", "ll": "lines", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
_DOTTED = {
    "eg": "for example", "ie": "that is", "aka": "also known as", "wrt": "with respect to", "nb": "note", "qv": "see",
    "ps": "P S",
}  # fmt: skip
_BARE = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor", "Mt": "Mount", "St": "Saint",
}  # fmt: skip
_STARTERS = frozenset(
    """a an the he she it they we i you this that these those there here his her its their our my your what who why how
    when where which while if in on at as after before but and so or then however for from by with to no not nor yes yet
    some many most all one two another each every both few several today yesterday tomorrow now later finally meanwhile
    although though because since until once unless nobody everyone everybody someone anyone nothing something
    everything let please maybe perhaps do does did is are was were can could will would should may might have has had
    it's he's she's that's there's they're we're you're i'm i'll we'll don't""".split()
)
_CALENDAR = re.compile(
    r"\s+(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Mon|Tues|Wednes|Thurs|Fri|Satur|Sun|[A-Z]{2,4}T\b|GMT|UTC)"
)
_LETTERED = re.compile(
    r"\b(?:vitamin|plan|grade|type|option|group|class|team|section|letter|point|hepatitis|model|part|appendix|and|or)\s+$",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"\b(?:sa(?:y|ys|id)|is|was|answer(?:s|ed)?|replie[sd]|or|oh|a|with|means?|meant)\s+$", re.IGNORECASE
)
_STREET_NUMBER = re.compile(r"\d\w*\s+(?:[A-Z][\w']*\s+){1,3}$")


def _next_word(match: re.Match[str]) -> str:
    """The word behind an abbreviation and its full stop, empty at the end of a sentence."""
    found = re.match(r"[\"')\]]*\s+[\"'(\[]*([^\W_][\w']*)", match.string[match.end() :])
    return found[1] if found else ""


def _at_end(match: re.Match[str]) -> bool:
    return not match.string[match.end() :].strip(" \t\n\"')]")


def _begins(word: str) -> bool:
    """Whether a word looks like the first one of a sentence."""
    return word[:1].isupper() and word.lower() in _STARTERS


def _outer(match: re.Match[str]) -> str:
    stop = "." if _at_end(match) or _begins(_next_word(match)) else ""
    return _OUTER[match[1].lower()] + stop


def _title(match: re.Match[str]) -> str:
    before = match.string[: match.start()]
    if match[1].lower() == "dr" and _STREET_NUMBER.search(before):
        return "Drive" + ("." if _at_end(match) or _begins(_next_word(match)) else "")
    return _TITLES[match[1].lower()] + ("." if _at_end(match) else "")


def _street(match: re.Match[str]) -> str:
    """ "St." is Saint before a name, Street behind one and at the end of a sentence."""
    before, word = match.string[: match.start()], _next_word(match)
    behind_name = bool(re.search(r"(?:\d\w*|\b[A-Z][\w']*)\s+$", before))
    if _at_end(match) or (_begins(word) and behind_name):
        return "Street" if match[0].isupper() and not word.istitle() and not _at_end(match) else "Street."
    is_name = (word[:1].isupper() and word.lower() not in _STARTERS) or (not behind_name and word)
    return "Saint" if is_name and not _STREET_NUMBER.search(before) else "Street"


def _dotted(match: re.Match[str]) -> str:
    """Letters with full stops between: "e.g.", "U.N.", "a.m.", "Ph.D."."""
    key = match[0].replace(".", "").replace(" ", "").lower()
    if key in _DOTTED:
        words = _DOTTED[key]
        return words[0].upper() + words[1:] if match[0][0].isupper() and match[0][2:3].islower() else words
    word = _next_word(match)
    ends = _at_end(match) or _begins(word)
    if key in ("am", "pm"):
        ends = ends or (word[:1].isupper() and not _CALENDAR.match(match.string[match.end() :]))
    letters = match[0].replace(".", "").replace(" ", "")
    letters = letters if letters.islower() else letters.upper()
    return " ".join(letters) + ("." if ends and match[0].endswith(".") else "")


def _initial(match: re.Match[str]) -> str:
    if _begins(_next_word(match)) or _LETTERED.search(match.string[: match.start()]):
        return match[0]
    return match[1] + ("" if match.string[match.end()].isspace() else " ")


def _and_so_on(match: re.Match[str]) -> str:
    words = "et cetera" if match[1].lower() == "etc" else match[1]
    return words + ("." if _at_end(match) or _next_word(match)[:1].isupper() else "")


def _counted(match: re.Match[str]) -> str:
    if match[1].lower() == "no" and _ANSWER.search(match.string[: match.start()]):
        return match[0]
    word = _COUNTED[match[1].lower()]
    return (word[0].upper() + word[1:] if match[1][0].isupper() and match[1].lower() != "no" else word) + " "


def _any_case(words: dict[str, str]) -> str:
    return rf"(?<![\w.])(?<!\d\s)({any_of(words)})\.(?!\w)"


RULES = (
    rule(rf"(?<![\w.])({any_of(_COUNTED)})\.\s*(?=\(?\d|[IVXLC]+\b|[ivx]+\b)", _counted, re.IGNORECASE),
    rule(r"(?<![\w.])(etc|et al)\.(?!\w)", _and_so_on, re.IGNORECASE),
    rule(r"(?<![\w.])(?:Ph|B|M|D|Ed|LL)\.\s?(?:Sc|D|Phil|Ed)\b\.?", _dotted),
    rule(r"(?<![\w.])[^\W\d_]\.(?:\s?[^\W\d_]\.)+(?!\w)|(?<![\w.])(?:[^\W\d_]\.)+[^\W\d_]\b(?!\.)", _dotted),
    rule(r"(?<=[a-z]\s)Sq\.", "Square"),
    rule(r"(?<=(?:st|nd|rd|th)\s)eds?\.", "edition"),
    rule(r"(?<![\w.])st\.(?!\w)", _street, re.IGNORECASE),
    rule(_any_case(_TITLES), _title, re.IGNORECASE),
    rule(rf"{_any_case(_INNER)}(?=\s*[\w(,;:)$€£])", lambda match: _INNER[match[1].lower()], re.IGNORECASE),
    rule(
        rf"(?<![\w.])({any_of(form for key in _OUTER for form in (key, key.title(), key.upper()))})"
        r"\.(?!\w)",
        _outer,
    ),
    rule(r"(?<![\w.])([A-HJ-Z])\.(?=\s*[A-Z]|\s+[a-z])", _initial),
    rule(rf"\b({any_of(_BARE)})\s+(?=[A-Z])", lambda match: _BARE[match[1]] + " "),
    rule(r"\bvs\b", "versus"),
    rule(r"\baka\b", "also known as"),
    rule(r"\beg\b(?=[\s,])", "for example"),
    rule(r"\bie\b(?=[\s,])", "that is"),
    rule(r"\bw/o\b", "without"),
    rule(r"(?<!\w)w/(?=\s?\w)", "with "),
    rule(r"\bc/o\b", "care of"),
    rule(r"\band/or\b", "and or"),
    rule(r"\b[nN]/[aA]\b", "not applicable"),
)

"""Plain text → sentences that a base speaker can pronounce, one at a time.

English numbers, dates, money, times, units, abbreviations and addresses are written out (`idfacevc.text.english`).
espeak-ng reads the digits of other languages itself, so that their text only loses what no voice can say.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from idfacevc.text import english
from idfacevc.text.rules import characters

logger = logging.getLogger(__name__)

SENTENCE_PAUSE = 0.35  # seconds at speed 1
OPENING_PAUSE = 0.1
PARAGRAPH_PAUSE = 0.7
_BREATH = 300  # characters of the longest sentence; a longer one is cut at a comma or a space
_BLOCK = 5000  # characters that are normalised at once

_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": ",", "…": "...", "\u00a0": " ", "\u00ad": ""}
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("‐‑‒", "-")
    | dict.fromkeys("–—―", " - ")
)
# A sentence ends at a space after its mark (and a closing quote), or at once where the script puts no spaces.
# Three points before a small letter are a pause.
_END = re.compile(
    r"(?<=[.!?।؟])(?<!\.\.\.)\s+|(?<=\.\.\.)\s+(?=[^a-z])|(?<=[.!?।؟][\"')\]])\s+|(?<=。)|(?<=[!?])(?=[^\x00-\x7f])"
)
_SENTENCE_ENDS, _CLAUSE_ENDS = (". ", ".\n", "! ", "? ", "。"), (", ", "; ", ": ", "、")
# some words up to a mark, or to a word before which speech may halt
_OPENING = re.compile(
    r"(.{10,28}?[,;:])\s+|(.{10,28}?)\s+(?=(?:and|or|but|so|if|as|than|that|which|who|when|where|while|because|of|to|in|on|"
    r"at|by|for|from|with|into|over|about|after|before|until|is|are|was|were|will|would|can|could|has|have|had)\b)"
)
_INVISIBLE = ("Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp")
_MARKS = set(".,;:!?'\"()-。、।؟،؛¿¡·")
_SIGNS = set("%&+=@/#°€$£¥")  # English writes them out, espeak reads them in other languages


@dataclass(frozen=True)
class Sentence:
    """Normalised text of one sentence, and the pause after it in seconds at speed 1."""

    text: str
    pause: float


def sentences(text: str, language: str = "en") -> Iterator[Sentence]:
    """The sentences of a plain text of any length, normalised one paragraph at a time.

    Paragraphs are set apart by empty lines. Characters that cannot be pronounced are dropped, with one warning for each
    new kind of them; a text with nothing to pronounce gives no sentence.
    """
    warned: set[str] = set()
    for paragraph in re.split(r"\n\s*\n", text):
        last = ""
        for block in _pieces(paragraph, _BLOCK, _SENTENCE_ENDS):
            for sentence in _END.split(normalise(block, language, warned)):
                for part in _pieces(sentence.strip(), _BREATH, _CLAUSE_ENDS):
                    if not any(char.isalnum() for char in part):
                        continue
                    if last:
                        yield Sentence(last, SENTENCE_PAUSE)
                    last = part
        if last:
            yield Sentence(last, PARAGRAPH_PAUSE)


def opened(listed: Iterator[Sentence]) -> Iterator[Sentence]:
    """The sentences, of which the first is cut after its opening phrase: somebody waits, and that much is soon said."""
    for sentence in listed:
        if cut := _OPENING.match(sentence.text):
            yield Sentence(cut[0].strip(), OPENING_PAUSE)
            sentence = Sentence(sentence.text[cut.end() :], sentence.pause)
        yield sentence
        break
    yield from listed


def normalise(text: str, language: str = "en", warned: set[str] | None = None) -> str:
    """One line of pronounceable text. Characters added to `warned` were named in a warning and are not named again."""
    is_english = language.lower().split("-")[0] == "en"
    if is_english:
        text = characters.mark_raised(text)
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN))
    if is_english:
        text = english.write_out(text)
    warned = set() if warned is None else warned
    # Joiners and variation selectors are invisible parts of emoji: dropped without a word.
    dropped = sorted(
        {char for char in text if not _pronounceable(char, is_english) and unicodedata.category(char) not in _INVISIBLE}
        - warned
    )
    if dropped:
        warned.update(dropped)
        named = ", ".join(f"{char} ({unicodedata.name(char, f'U+{ord(char):04X}')})" for char in dropped)
        logger.warning("dropped from the text, cannot be pronounced: %s", named)
    text = "".join(char if _pronounceable(char, is_english) else " " for char in text)
    text = re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r"\s+", " ", text)).strip()
    text = re.sub(r"^[,;\s]+|,(?=[.,;:!?])|(?<=[.!?:;]),|,$", "", text)
    return text if any(unicodedata.category(char)[0] in "LN" for char in text) else ""


def _pronounceable(char: str, is_english: bool) -> bool:
    if char.isspace() or char in _MARKS or (char in _SIGNS and not is_english):
        return True
    if unicodedata.category(char)[0] not in "LMN":
        return False
    return not is_english or char.isascii() or unicodedata.name(char, "").startswith("LATIN ")


def _pieces(text: str, longest: int, marks: tuple[str, ...]) -> Iterator[str]:
    """The text in pieces of at most `longest` characters, cut after a mark or at a space."""
    start = 0
    while start < len(text):
        end = len(text)
        if end - start > longest:
            end = start + longest
            after_mark = max(text.rfind(mark, start, end) for mark in marks) + 1
            end = after_mark if after_mark > start else text.rfind(" ", start, end) + 1 or end
        yield text[start:end].strip()
        start = end

"""Text as it is written → text as it is said."""

from __future__ import annotations

import logging
import unicodedata
from itertools import islice

import pytest

from idfacevc.text.english import cardinal, ordinal, year
from idfacevc.text.normalise import PARAGRAPH_PAUSE, SENTENCE_PAUSE, normalise, opened, sentences


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("42 dogs", "forty-two dogs"),
        ("1,234,567", "one million two hundred and thirty-four thousand five hundred and sixty-seven"),
        ("3.14", "three point one four"),
        ("-5 and −3°C", "minus five and minus three degrees Celsius"),
        ("007", "zero zero seven"),
        ("the 21st", "the twenty-first"),
        ("1/2, 2½ and 5/7", "one half, two and a half and five sevenths"),
        ("10-20 people", "ten to twenty people"),
        ("version 1.2.3", "version one point two point three"),
        ("call 1-800-555-1234", "call one, eight zero zero, five five five, one two three four"),
        ("in 1905, 1999, 2005 and 2024", "in nineteen oh five, nineteen ninety-nine, two thousand and five and twenty "
                                         "twenty-four"),
        ("the 1990s", "the nineteen nineties"),
        ("2024-03-05", "March fifth, twenty twenty-four"),
        ("12/25/1999", "December twenty-fifth, nineteen ninety-nine"),
        ("March 5, 2024", "March fifth, twenty twenty-four"),
        ("on 5 March 2024", "on the fifth of March, twenty twenty-four"),
        ("3:05 pm, 15:30, 9:00", "three oh five p m, fifteen thirty, nine o'clock"),
        ("$3.50, £1, 20 € and $5 million", "three dollars and fifty cents, one pound, twenty euros and five million "
                                           "dollars"),
        ("$0.99", "ninety-nine cents"),
        ("5km at 12 km/h, 50%", "five kilometres at twelve kilometres per hour, fifty percent"),
        ("Dr. Smith vs. Mrs. Jones", "Doctor Smith versus Missus Jones"),
        ("cats, dogs, etc. The end", "cats, dogs, et cetera. The end"),
        ("J. R. R. Tolkien", "J R R Tolkien"),
        ("https://www.example.com/foo-bar.", "example dot com slash foo dash bar."),
        ("mail a.b@example.com, please", "mail a dot b at example dot com, please"),
        ("R&D #5 + B2B", "R and D number five plus B two B"),
        ("“curly” – it’s…", '"curly" - it\'s...'),
        ("ﬁne café", "fine café"),
    ],
)  # fmt: skip
def test_english_is_written_out(written, said):
    assert normalise(written) == said


@pytest.mark.parametrize("number", [0, 7, 13, 20, 45, 100, 101, 999, 1000, 1001, 12_345, 1_000_005, 10**12])
def test_cardinals_read_back(number):
    assert _value(cardinal(number)) == number


_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def _value(words: str) -> int:
    """An independent reader of number words."""
    ones = dict(zip(_SMALL.split(), range(20), strict=True))
    tens = dict(zip(_TENS.split(), range(20, 100, 10), strict=True))
    scales = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = part = 0
    for word in words.replace("-", " ").split():
        if word in scales:
            total, part = total + part * scales[word], 0
        elif word == "hundred":
            part *= 100
        elif word != "and":
            part += ones.get(word, tens.get(word, 0))
    return total + part


def test_ordinals_and_years():
    assert [ordinal(number) for number in (1, 2, 3, 5, 8, 9, 12, 20, 31, 100)] == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth", "thirty-first", "one hundredth",
    ]  # fmt: skip
    assert [year(number) for number in (1066, 1900, 2000, 2010)] == [
        "ten sixty-six", "nineteen hundred", "two thousand", "twenty ten",
    ]  # fmt: skip


def test_no_digit_is_left():
    text = "7 1st 2x 3.5.6 12:61 99/99/9999 $1,2 0.5% v2.0-rc1 0x1F 1e5 5'6 10^3 1.000.000"
    assert not any(char.isdigit() for char in normalise(text))


def test_pictures_and_other_scripts_are_said_in_english():
    said = [sentence.text for sentence in sentences("Hi 😀 there 你. Again 😀!\n\nAnd 👨‍👩‍👧 again.")]
    assert said == ["Hi, grinning face, there Chinese text.", "Again, grinning face!", "And, man, woman, girl, again."]


def test_what_cannot_be_said_is_dropped_and_named_once(caplog):
    with caplog.at_level(logging.WARNING):
        said = [sentence.text for sentence in sentences("Hi \ue000 there. Again \ue000!", "en")]
        said += [sentence.text for sentence in sentences("Hallo 😀.", "de")]
    assert said == ["Hi there.", "Again!", "Hallo."]
    assert [record.getMessage().count("U+E000") for record in caplog.records] == [1, 0]
    assert "GRINNING FACE" in caplog.text


def test_every_letter_sign_and_picture_is_said():
    """What has no sound of its own: marks of trade, letters that only lengthen or soften, and lines."""
    silent = ("TRADE MARK", "REGISTERED", "SERVICE MARK", "HANGUL", "BOX DRAWINGS", "BLOCK",
              "LETTER SOFT SIGN", "LETTER HARD SIGN", "TILDE", "EQUALS SIGNS",
              "EMOJI MODIFIER", "COMBINING")  # fmt: skip
    lost = []
    for code in [*range(0x21, 0x3000), *range(0xAC00, 0xAC20), *range(0x1F300, 0x1F650)]:
        char = chr(code)
        if unicodedata.category(char) not in ("Lu", "Ll", "Lo", "Nd", "No", "Sc", "So", "Sm"):
            continue
        name = unicodedata.name(char, "")
        if not any(word in name for word in silent) and normalise(f"say {char} here") == "say here":
            lost.append(f"U+{code:04X} {name}")
    assert lost == []


@pytest.mark.parametrize("unit", ["7", "1-", "1+", "1,", "5/6/", "a-", "St. ", "IV-", "(", "$5-", "😀", "a.b."])
@pytest.mark.timeout(120)
def test_time_grows_slowly_whatever_is_repeated(unit):
    list(sentences(unit * (20_000 // len(unit))))


def test_other_languages_keep_their_letters_digits_and_signs():
    assert normalise("Ich habe 3,50 € für 你 übrig 😀.", "de") == "Ich habe 3,50 € für 你 übrig."
    assert [sentence.text for sentence in sentences("你好。世界！好吗？", "zh")] == ["你好。", "世界!", "好吗?"]


def test_sentences_and_paragraphs():
    found = list(sentences('First one. "Second!" he said\non. Why (really?) so?\n\nDr. No came.'))
    assert [sentence.text for sentence in found] == [
        "First one.", '"Second!"', "he said on.", "Why (really?)", "so?", "Doctor No came.",
    ]  # fmt: skip
    assert [sentence.pause for sentence in found] == [SENTENCE_PAUSE] * 4 + [PARAGRAPH_PAUSE] * 2


@pytest.mark.timeout(120)
def test_long_text_comes_in_short_pieces_without_being_read_whole():
    book = "word " * 1000 + "\n\n" + "A sentence, with a comma. " * 400_000  # which would take many minutes
    pieces = [sentence.text for sentence in islice(sentences(book), 300)]
    assert max(map(len, pieces)) <= 300
    assert " ".join(pieces).startswith("word " * 1000 + "A sentence, with a comma. A sentence")


@pytest.mark.parametrize("text", ["", "  \n \n", "...", "=====", "--- ***"])
def test_nothing_to_say_gives_no_sentence(text):
    assert list(sentences(text)) == []


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("This is the first sentence of a request. And more.", "This is the first sentence"),
        ("Good morning, everybody who came here today.", "Good morning,"),
        ("Good morning. How are you?", "Good morning."),
        ("Antidisestablishmentarianism is long.", "Antidisestablishmentarianism"),
        ("Unverwechselbare Kennzeichnungspflichten fehlen.", "Unverwechselbare Kennzeichnungspflichten fehlen."),
    ],
)
def test_the_first_phrase_comes_by_itself_and_nothing_is_lost(text: str, first: str) -> None:
    parts = [one.text for one in opened(sentences(text))]
    assert parts[0] == first
    assert " ".join(parts) == " ".join(one.text for one in sentences(text))

"""espeak-ng inside the process: a base speaker that needs no download and speaks more than a hundred languages."""

from __future__ import annotations

import _ctypes
import ctypes
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import count, takewhile

import espeakng_loader
import numpy as np

from idfacevc.errors import InputError
from idfacevc.text.speakers.base import SentenceSpeaker

# Values of espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_RATE = 1
_IPA = 2

SAMPLE_RATE = 22050
_WORDS_PER_MINUTE = 175  # speed 1
_SLOWEST, _FASTEST = 80, 450  # rates that espeak takes without changing its method

# libespeak-ng holds one voice, one rate and one callback for the whole process.
_lock = threading.Lock()

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@contextmanager
def _library() -> Iterator[ctypes.CDLL]:
    """A freshly loaded libespeak-ng, unloaded at the end.

    The phase of its oscillators and its flutter live in static variables that no call resets, so that the same sentence
    would sound a little different after another one; loading anew (3 ms) is what makes a text give the same samples.
    """
    with _lock:
        lib = ctypes.CDLL(espeakng_loader.get_library_path())
        try:
            lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
            lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
            rate = lib.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT)
            if rate != SAMPLE_RATE:
                raise InputError(f"espeak-ng did not start (code {rate}); reinstall the package espeakng-loader")
            yield lib
            lib.espeak_Terminate()
        finally:
            getattr(_ctypes, "FreeLibrary" if sys.platform == "win32" else "dlclose")(lib._handle)


def _codes(voice: _Voice) -> Iterator[tuple[int, str]]:
    """Priority and code of each language of a voice: entries of one byte and a C string, ended by a zero byte."""
    start, at = ctypes.addressof(voice.languages.contents), 0
    while voice.languages[at] != b"\0":
        code = ctypes.string_at(start + at + 1)
        yield voice.languages[at][0], code.decode()
        at += len(code) + 2


@lru_cache(maxsize=1)
def _voices() -> dict[str, str]:
    """The file name of the voice that serves a language code best, by code."""
    best: dict[str, tuple[int, str]] = {}
    with _library() as lib:
        listed = lib.espeak_ListVoices(None)
        for voice in takewhile(bool, (listed[index] for index in count())):
            for priority, code in _codes(voice.contents):
                name = voice.contents.identifier.decode().rsplit("/")[-1]
                best[code.lower()] = min(best.get(code.lower(), (256, "")), (priority, name))
    # These three are listed without the dictionary that they need.
    found = {code: name for code, (_, name) in sorted(best.items()) if name not in ("fo", "kaa", "xex")}
    return found | {"en": "en-US"}


def languages() -> tuple[str, ...]:
    """Codes that `EspeakSpeaker(language=...)` takes, such as "de" or "pt-br"."""
    return tuple(_voices())


def _voice_name(language: str) -> str:
    try:
        return _voices()[language.lower()]
    except KeyError:
        known = ", ".join(languages())
        raise InputError(f"espeak-ng has no voice for language {language!r}; it has: {known}") from None


def phonemes(text: str, language: str = "en") -> str:
    """IPA of one sentence with stress marks; words are apart by spaces, punctuation stays in its place."""
    parts = re.split(r"(\s*[.,;:!?¡¿()\"-]+(?=\s|$)\s*)", text)
    voice = _voice_name(language)
    with _library() as lib:
        lib.espeak_SetVoiceByName(voice.encode())
        parts[::2] = [_ipa(lib, part) for part in parts[::2]]
    return "".join(parts).strip()


def _ipa(lib: ctypes.CDLL, text: str) -> str:
    if not text:
        return ""  # libespeak would read on past the end
    buffer = ctypes.create_string_buffer(text.encode())
    rest = ctypes.c_void_p(ctypes.addressof(buffer))
    clauses = []
    while rest.value:
        clauses.append((lib.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA) or b"").decode().strip())
    return " ".join(filter(None, clauses))


class EspeakSpeaker(SentenceSpeaker):
    """Formant synthesis by espeak-ng; the seed only draws the room noise."""

    name = "espeak"
    sample_rate = SAMPLE_RATE
    styles: tuple[str, ...] = ("neutral",)
    room_noise = 1e-3  # -60 dBFS; of 30 sentences pocketsphinx tells 29 apart with it, 13 without

    def __init__(self, language: str = "en") -> None:
        self._voice = _voice_name(language)
        self.language = language
        self.languages = languages()

    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        samples = self._at_rate(sentence, _WORDS_PER_MINUTE)
        if speed == 1.0 or not len(samples):
            return samples
        # espeak shortens vowels and pauses by laws of their own, up to 7 % off the rate that was set. The duration
        # falls with the rate, so that bisection finds the rate whose duration is nearest to what was asked.
        wanted = len(samples) / speed
        low, high, rate = _SLOWEST, _FASTEST, round(_WORDS_PER_MINUTE * speed)
        while low <= high and abs(len(samples) - wanted) > 0.005 * wanted:
            trial = self._at_rate(sentence, rate)
            if abs(len(trial) - wanted) < abs(len(samples) - wanted):
                samples = trial
            low, high = (rate + 1, high) if len(trial) > wanted else (low, rate - 1)
            rate = (low + high) // 2
        return samples

    def _at_rate(self, sentence: str, rate: int) -> np.ndarray:
        """Samples (N,) float32 within ±1 at `rate` words a minute."""
        blocks: list[np.ndarray] = []

        @_Callback
        def collect(wave: ctypes._Pointer[ctypes.c_short], count: int, events: int) -> int:
            if wave and count > 0:
                blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
            return 0

        with _library() as lib:
            lib.espeak_SetVoiceByName(self._voice.encode())
            lib.espeak_SetSynthCallback(collect)
            lib.espeak_SetParameter(_RATE, rate, 0)
            data = sentence.encode()
            lib.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, _UTF8, None, None)
        if not any(block.any() for block in blocks):
            return np.zeros(0, np.float32)
        return np.concatenate(blocks).astype(np.float32) / 32768

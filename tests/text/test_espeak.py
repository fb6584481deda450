"""espeak-ng: the same samples for the same text, the speed law, languages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from idfacevc.errors import InputError
from idfacevc.text.espeak import EspeakSpeaker, languages, phonemes

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps. Is that so?"


def test_samples_are_the_same_whatever_was_said_before():
    speaker = EspeakSpeaker()
    first, rate = speaker.synthesise(TEXT)
    speaker.synthesise("Something else!", speed=1.7)
    EspeakSpeaker("de").synthesise("Guten Tag.")
    assert rate == 22050 and first.dtype == np.float32
    assert 0.1 < np.abs(first).max() <= 1
    assert np.array_equal(first, speaker.synthesise(TEXT)[0])


def test_no_part_is_as_silent_as_no_recording_is():
    samples, _ = EspeakSpeaker().synthesise("One. Two. Three.")
    quietest = np.sqrt(np.square(samples[: len(samples) // 1000 * 1000]).reshape(-1, 1000).mean(axis=1).min())
    assert quietest == pytest.approx(1e-3, rel=0.2)
    assert not np.array_equal(samples, EspeakSpeaker().synthesise("One. Two. Three.", seed=1)[0])


def test_threads_do_not_disturb_each_other():
    texts = [f"Sentence number {number} is here." for number in range(8)]
    speaker = EspeakSpeaker()
    alone = [speaker.synthesise(text)[0] for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = [samples for samples, _ in pool.map(speaker.synthesise, texts)]
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("text", [TEXT, "Go!", "One. Two. Three."])
@pytest.mark.parametrize("speed", [0.5, 0.8, 1.2, 1.6, 2.0])
def test_speed_divides_the_duration(text, speed):
    speaker = EspeakSpeaker()
    ratio = len(speaker.synthesise(text)[0]) / len(speaker.synthesise(text, speed=speed)[0])
    assert ratio == pytest.approx(speed, rel=0.03)


def test_languages_are_told_apart():
    assert {"en", "en-gb", "de", "fr-fr", "pt-br", "zh"} <= set(languages())
    assert phonemes("quatre", "fr") != phonemes("quatre", "en")
    german, english = (EspeakSpeaker(language).synthesise("Ich habe 42 Hunde.")[0] for language in ("de", "en"))
    assert len(german) != len(english)
    with pytest.raises(InputError, match="no voice for language 'xx'"):
        EspeakSpeaker("xx")


def test_phonemes_keep_punctuation_in_place():
    assert phonemes("Hello world, again?") == "həlˈoʊ wˈɜːld, ɐɡˈɛn?"


@pytest.mark.parametrize("text", ["", " \n\n ", "...", "?!"])
def test_nothing_to_pronounce_is_an_error(text):
    with pytest.raises(InputError, match="nothing that can be pronounced"):
        EspeakSpeaker().synthesise(text)


@pytest.mark.parametrize("speed", [0.4, 2.1, float("nan")])
def test_speed_out_of_range_is_an_error(speed):
    with pytest.raises(InputError, match="out of range"):
        EspeakSpeaker().synthesise("Hello.", speed=speed)

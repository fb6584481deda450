"""The factory, the choice of "auto", streaming, and styled speech. No network is used."""

from __future__ import annotations

import logging
import tracemalloc
from itertools import islice

import numpy as np
import pytest

from idfacevc.errors import InputError
from idfacevc.text.speakers.base import EDGE_PAUSE, SentenceSpeaker, speak
from idfacevc.text.speakers.registry import base_speaker
from idfacevc.text.style import Style, style
from tests.text.speakers.vits_models import save_openvoice, save_vits


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_auto_takes_the_best_one_present_and_says_so(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert base_speaker("auto", "de").name == "espeak"
        assert base_speaker("auto", folder=save_vits(tmp_path)).name == "vits"
        assert base_speaker("auto", folder=save_openvoice(tmp_path)[0]).name == "openvoice"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("idfacevc")] == [
        "base speaker: espeak",
        "base speaker: vits",
        "base speaker: openvoice",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "festival"},
            "unknown base speaker 'festival'; there are: auto, openvoice, vits",
        ),
        ({"name": "espeak", "language": "xx"}, "no voice for language 'xx'"),
        ({"name": "openvoice", "language": "de"}, "no language 'de'"),
        ({"name": "openvoice"}, "run `hf download myshell-ai/OpenVoice"),
        ({"name": "vits"}, "run `hf download kakao-enterprise/vits-vctk`"),
        ({"name": "vits", "language": "de"}, "run `hf download facebook/mms-tts-deu`"),
        ({"name": "kokoro", "language": "de"}, "no language 'de'"),
        ({"name": "kokoro", "folder": "/nowhere/k.onnx"}, "/nowhere/k.onnx"),
        ({"name": "piper", "folder": "/nowhere/p.onnx"}, "/nowhere/p.onnx.json"),
        ({"name": "vits", "folder": "/nowhere/at/all"}, "/nowhere/at/all"),
    ],
)
def test_faults_are_one_line_that_says_what_to_run(arguments, message):
    with pytest.raises(InputError) as fault:
        base_speaker(**arguments)
    assert message in str(fault.value) and "\n" not in str(fault.value)


def test_auto_prefers_a_neural_speaker_for_english(monkeypatch):
    from idfacevc.text.speakers import kokoro, piper

    if kokoro.available():
        assert base_speaker("auto").name == "kokoro"
    monkeypatch.setattr(kokoro, "available", lambda: False)
    if piper.available():
        assert base_speaker("auto").name == "piper"
    monkeypatch.setattr(piper, "available", lambda: False)
    assert base_speaker("auto").name == "espeak"


def test_stream_is_the_whole_and_pauses_follow_the_speed():
    speaker = base_speaker("espeak")
    text = "One.\n\nTwo."
    pieces = list(speaker.stream(text, speed=2.0))
    assert np.array_equal(np.concatenate(pieces), speaker.synthesise(text, speed=2.0)[0])
    seconds = [list(speaker.stream(text, speed=speed))[1] for speed in (1.0, 2.0)]
    silences = [np.flatnonzero(np.abs(samples) > 0.02)[0] for samples in seconds]
    assert silences[0] / silences[1] == pytest.approx(2.0, rel=0.05)
    assert silences[0] / speaker.sample_rate == pytest.approx(0.7, abs=0.1)  # the word starts with a little silence


def test_a_text_lies_between_two_short_silences():
    speaker = base_speaker("espeak")
    for speed in (0.5, 1.0, 2.0):
        pieces = list(speaker.stream("One.\n\nTwo.", speed=speed))
        edge = round(EDGE_PAUSE / speed * speaker.sample_rate)
        loud = [np.flatnonzero(np.abs(piece) > 0.02) for piece in pieces]
        assert loud[0][0] >= edge and loud[0][0] < edge + 0.1 * speaker.sample_rate
        assert len(pieces[-1]) - loud[-1][-1] > edge
        assert np.abs(pieces[0][:edge]).max() > 0  # a room is never wholly silent


class Counting(SentenceSpeaker):
    """Says a second of ones; of "Hm" nothing."""

    name, sample_rate, language, languages, styles = "counting", 100, "en", ("en",), ("neutral",)
    said = 0

    def say(self, sentence, style, speed, seed):
        self.said += 1
        return np.ones(0 if sentence.startswith("Hm") else self.sample_rate, np.float32)


def test_a_sentence_is_heard_before_the_next_is_spoken():
    speaker = Counting()
    pieces = speaker.stream("One. Two. Hm.")
    assert len(next(pieces)) == 125 and speaker.said == 1
    assert len(next(pieces)) > 100 and speaker.said == 2
    assert len(next(pieces)) == 25 and speaker.said == 3, "the silence at the end, when nothing more was said"
    assert next(pieces, None) is None
    with pytest.raises(InputError, match="nothing that can be pronounced"):
        list(speaker.stream("Hm."))


def test_a_book_is_spoken_in_bounded_memory():
    book = "It was the best of times. It was the worst of times.\n\n" * 20_000
    tracemalloc.start()
    for speech in islice(base_speaker("espeak").stream(book), 12):
        assert len(speech) < 5 * 22050
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(book)


def test_styled_speech_has_the_rate_of_the_style_times_the_speed():
    speaker = base_speaker("espeak")
    text = "The quick brown fox jumps over the lazy dog."
    neutral = len(speaker.synthesise(text)[0])
    for speed in (0.6, 1.0, 1.9):
        angry = np.concatenate(list(speak(speaker, text, style("angry"), speed)))
        assert neutral / len(angry) == pytest.approx(1.1 * speed, rel=0.03)
    plain = np.concatenate(list(speak(speaker, text, Style())))
    assert np.array_equal(plain, speaker.synthesise(text)[0])


def test_a_style_of_the_speakers_own_is_left_to_it(tmp_path):
    speaker = base_speaker("openvoice", folder=save_openvoice(tmp_path)[0])
    own = np.concatenate(list(speak(speaker, "Hello world.", style("angry"))))
    assert np.array_equal(own, speaker.synthesise("Hello world.", "angry", speed=1.1)[0])

"""Kokoro and Piper with their real weights: determinism, speed, phonemes, and faults in one line."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from idfacevc.errors import InputError
from idfacevc.text.speakers import kokoro, piper

TEXT = "We can test this with a short sentence."

needs_kokoro = pytest.mark.skipif(not kokoro.available(), reason="the extra kokoro is not installed")
needs_piper = pytest.mark.skipif(not piper.available(), reason="the extra piper is not installed")


@pytest.fixture(
    params=[
        pytest.param(kokoro.KokoroSpeaker, marks=needs_kokoro, id="kokoro"),
        pytest.param(piper.PiperSpeaker, marks=needs_piper, id="piper"),
    ]
)
def speaker(request):
    return request.param()


def test_equal_texts_give_equal_samples_and_speed_divides_the_duration(speaker):
    samples, rate = speaker.synthesise(TEXT)
    assert rate == speaker.sample_rate and samples.dtype == np.float32
    assert 1.5 < len(samples) / rate < 5 and 0.05 < np.abs(samples).max() <= 1
    assert np.array_equal(samples, speaker.synthesise(TEXT, seed=7)[0])
    fast = len(speaker.synthesise(TEXT, speed=1.6)[0])
    assert len(samples) / fast == pytest.approx(1.6, rel=0.08)  # whole frames a phoneme


def test_nothing_to_say_is_an_error(speaker):
    with pytest.raises(InputError, match="nothing that can be pronounced"):
        speaker.synthesise("...")


@needs_kokoro
def test_a_style_is_a_voice_and_a_wrong_one_is_refused():
    women = kokoro.KokoroSpeaker(kokoro.voices()["af_bella"]).synthesise(TEXT)[0]
    men = kokoro.KokoroSpeaker(kokoro.voices()["am_michael"]).synthesise(TEXT)[0]
    assert _median_pitch(men) < 0.75 * _median_pitch(women)
    for style in (np.zeros(128, np.float32), np.full(256, np.nan, np.float32)):
        with pytest.raises(InputError, match="256 finite numbers"):
            kokoro.KokoroSpeaker(style)


def _median_pitch(samples: np.ndarray) -> float:
    import pyworld

    f0 = pyworld.harvest(samples.astype(np.float64), kokoro.SAMPLE_RATE)[0]
    return float(np.median(f0[f0 > 0]))


def test_the_phonemes_are_those_of_the_package_that_runs_the_network_elsewhere():
    pytest.importorskip("kokoro_onnx")
    texts = [TEXT, "It was late, and nobody came; so what? The ship's bell rang twice.", "Wait: is it you, Anna?"]
    # in a process of its own: the package keeps libespeak-ng loaded, which our own speaker loads anew each time
    code = (
        "import json, sys\nfrom kokoro_onnx.tokenizer import Tokenizer\ntokenizer = Tokenizer()\n"
        "texts = json.loads(sys.argv[1])\n"
        "print(json.dumps([tokenizer.vocab, [tokenizer.phonemize(text, 'en-us') for text in texts]]))"
    )
    out = subprocess.run([sys.executable, "-c", code, json.dumps(texts)], capture_output=True, text=True, check=True)
    symbols, spelled = json.loads(out.stdout)
    assert kokoro.symbols() == symbols
    assert [kokoro.spelled(text) for text in texts] == spelled


def test_long_text_is_cut_at_spaces():
    pieces = kokoro._pieces("wˈɜːd " * 200)
    assert all(len(piece) <= 500 for piece in pieces) and " ".join(pieces) == ("wˈɜːd " * 200).strip()


def test_the_bank_holds_54_voices_apart_from_each_other():
    names, styles = zip(*kokoro.voices().items(), strict=True)
    assert len(names) == 54 and {name[1] for name in names} == {"f", "m"}
    distances = np.linalg.norm(np.stack(styles)[:, None] - np.stack(styles), axis=2) + np.eye(54)
    assert distances.min() > 1e-3


def test_damaged_weights_are_named(tmp_path, monkeypatch):
    parts = tuple(tmp_path / f"{name}/part.bin" for name in "abcd")
    for part in parts:
        part.parent.mkdir()
        part.write_bytes(b"no model")
    monkeypatch.setattr(kokoro, "find_weights", lambda: parts)
    with pytest.raises(InputError, match="damaged"):
        kokoro.Kokoro()
    monkeypatch.setattr(kokoro, "find_weights", lambda: None)
    with pytest.raises(InputError, match=r"idfacevc\[kokoro\]"):
        kokoro.Kokoro()
    with pytest.raises(InputError, match="no ONNX model"):
        kokoro.Kokoro(parts[0])


@needs_piper
def test_a_piper_table_must_be_complete(tmp_path):
    voice = tmp_path / "voice.onnx"
    voice.write_bytes(b"")
    good = json.loads(piper.find_weights().with_name("en_US-joe-medium.onnx.json").read_text(encoding="utf-8"))
    for table in ("[]", "{", json.dumps(good | {"phoneme_type": "text"}), json.dumps(good | {"phoneme_id_map": {}})):
        (tmp_path / "voice.onnx.json").write_text(table, encoding="utf-8")
        with pytest.raises(InputError, match=r"voice\.onnx\.json"):
            piper.PiperSpeaker(voice)
    (tmp_path / "voice.onnx.json").write_text(json.dumps(good), encoding="utf-8")
    with pytest.raises(InputError, match="no speaker 3"):
        piper.PiperSpeaker(voice, 3)
    with pytest.raises(InputError, match="no ONNX model"):
        piper.PiperSpeaker(voice)

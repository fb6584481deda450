"""The public class: its surface, its results, and what holds for every conversion."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import fields, replace
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pyloudnorm
import pytest
import soundfile
import torch
from PIL import Image
from safetensors.numpy import save_file

import idfacevc
from idfacevc import IDFaceVC, InputError, Speech, Voice
from idfacevc.api import convert
from idfacevc.audio.io import comment_of
from idfacevc.audio.mel import band_edges
from idfacevc.audio.provenance import facts_of
from idfacevc.bundles.model import load_bundle
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.pipeline.device import pick_device
from idfacevc.pipeline.options import ConversionOptions, DeliveryOptions
from idfacevc.pipeline.source import audio_or_text_of
from idfacevc.pipeline.system import obstacle
from idfacevc.text.style import Style
from tests.closeness import assert_near
from tests.conftest import vowels, write_tiny_bundle
from tests.text.speakers.vits_models import save_vits

RATE = 16000


@pytest.fixture(scope="module")
def vc(tiny_bundle: Path) -> IDFaceVC:
    return IDFaceVC.from_pretrained(tiny_bundle)


@pytest.fixture(scope="module")
def crop() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def voice(vc: IDFaceVC, crop: Image.Image) -> Voice:
    return vc.voice_from_face(crop, aligned=True)


def test_surface() -> None:
    assert sorted(idfacevc.__all__) == ["IDFaceVC", "InputError", "Speech", "Speech2Face", "Vclip", "Voice", "convert"]
    assert all(hasattr(idfacevc, name) for name in idfacevc.__all__)
    public = {name for name, _ in inspect.getmembers(IDFaceVC) if not name.startswith("_")}
    assert public == {
        "analyse",
        "convert",
        "convert_to_file",
        "copy_synthesis",
        "face_attributes",
        "fingerprint",
        "from_pretrained",
        "provenance",
        "sample_rate",
        "source_speech",
        "stream",
        "system",
        "voice_from_face",
        "voice_from_sound",
        "voice_from_tokens",
    }
    assert list(inspect.signature(IDFaceVC.convert).parameters)[1:] == [
        "voice",
        "audio",
        "text",
        "source",
        "style",
        "style_strength",
        "speed",
        "pitch_range",
        "seed",
        "language",
        "styles",
        "base_speaker",
        "speaker",
        "loudness",
    ]
    assert list(inspect.signature(idfacevc.convert).parameters) == ["face", "audio_or_text", "options"]
    with pytest.raises(AttributeError):
        idfacevc.nothing  # noqa: B018


def test_a_photo_and_a_recording(vc: IDFaceVC, photo_path: Path, speech_path: Path, tmp_path: Path) -> None:
    voice = vc.voice_from_face(photo_path)
    assert (voice.vector.shape, voice.identity.shape, voice.tokens.shape) == ((32,), (32,), (64, 16))
    result = vc.convert(voice, audio=speech_path)
    assert isinstance(result, Speech)
    assert (result.sample_rate, result.samples.dtype, result.mel.shape) == (RATE, np.float32, (80, 151))
    assert len(result.samples) == 24000
    assert np.abs(result.samples).max() > 0.001
    result.save(tmp_path / "out.flac")
    assert soundfile.info(tmp_path / "out.flac").frames == 24000


@pytest.mark.parametrize("samples", [4800, 4801, 4959, 16000])
def test_the_output_is_as_long_as_the_recording(vc: IDFaceVC, voice: Voice, samples: int) -> None:
    result = vc.convert(voice, audio=(vowels(1.0)[:samples], RATE))
    assert len(result.samples) == samples
    assert result.mel.shape[1] == 1 + samples // 160


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.3, 2.0])
def test_speed_divides_the_duration(vc: IDFaceVC, voice: Voice, speech: np.ndarray, speed: float) -> None:
    result = vc.convert(voice, audio=(speech, RATE), speed=speed)
    assert len(result.samples) == pytest.approx(len(speech) / speed, abs=161)


def test_text(vc: IDFaceVC, voice: Voice) -> None:
    slow, quick = (vc.convert(voice, text="Good morning.", speed=speed) for speed in (0.7, 1.4))
    assert 1.5 < len(slow.samples) / len(quick.samples) < 2.6
    assert not np.array_equal(
        vc.convert(voice, text="Good morning.", style="whispering").samples,
        vc.convert(voice, text="Good morning.").samples,
    )


def test_a_text_that_is_said_in_no_time(vc: IDFaceVC, voice: Voice) -> None:
    assert len(vc.convert(voice, text="Hi.", speed=2.0).samples) >= 0.3 * RATE


def test_a_book_streams_and_a_passage_of_it_is_what_convert_gives(vc: IDFaceVC, voice: Voice) -> None:
    text = "It was the best of times. It was the worst of times. It was the age of wisdom.\n\nIt was so."
    options = {"text": text, "speed": 1.5, "style": "sad", "seed": 3, "loudness": None}
    pieces = list(vc.stream(voice, watermark=False, **options))
    whole = vc.convert(voice, **options)
    assert_near(np.concatenate(pieces), whole.samples, 1e-3)
    assert len(whole.samples) == len(whole.mel[0]) * vc.spec.model.front_end.hop_length
    book = vc.stream(voice, text=f"{text}\n\n" * 5_000)
    assert 0 < len(next(book)) < 10 * RATE


def test_own_styles_and_the_choice_of_a_base_speaker(vc: IDFaceVC, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("robot: {pitch_range: 0.0, rate: 1.4}")
    robot = vc.convert(voice, text="Good morning.", style="robot", styles=tmp_path / "mine.yaml", base_speaker="espeak")
    espeak = vc.convert(voice, text="Good morning.", base_speaker="espeak")
    assert len(espeak.samples) / len(robot.samples) == pytest.approx(1.4, rel=0.05)
    (tmp_path / "empty").mkdir()
    vits = vc.convert(voice, text="Good morning.", base_speaker=save_vits(tmp_path))
    assert len(vits.samples) and not np.array_equal(vits.samples, espeak.samples)
    for options, words in [
        ({"base_speaker": "festival"}, "unknown base speaker 'festival'"),
        ({"base_speaker": tmp_path / "empty"}, "holds no VITS"),
        ({"base_speaker": "vits"}, "hf download"),
        ({"styles": tmp_path / "absent.yaml"}, "no such file"),
    ]:
        with pytest.raises(InputError, match=words):
            vc.convert(voice, text="Good morning.", **options)


def test_conversion_is_deterministic_and_the_seed_matters(vc: IDFaceVC, voice: Voice, speech: np.ndarray) -> None:
    first, second, other = (vc.convert(voice, audio=(speech, RATE), seed=seed).samples for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_voice_decides_the_mel(vc: IDFaceVC, voice: Voice, crop: Image.Image, speech: np.ndarray) -> None:
    other = vc.voice_from_face(crop.rotate(90), aligned=True)
    # the memory of a random network hardly tells faces apart
    far = Voice(voice.vector + 3, other.identity, other.tokens, other.checkpoint)
    mels = [vc.convert(one, audio=(speech, RATE)).mel for one in (voice, far)]
    assert np.abs(mels[0] - mels[1]).max() > 1e-3
    assert not np.array_equal(voice.tokens, other.tokens)


def test_an_analysed_source_gives_the_same_as_the_recording(vc: IDFaceVC, voice: Voice, speech: np.ndarray) -> None:
    source = vc.analyse((speech, RATE))
    np.testing.assert_array_equal(
        vc.convert(voice, source=source).samples, vc.convert(voice, audio=(speech, RATE)).samples
    )


def test_a_stream_gives_the_samples_of_convert(vc: IDFaceVC, voice: Voice) -> None:
    wave = vowels(9.3)
    options = {"audio": (wave, RATE), "speed": 0.9, "seed": 2, "loudness": None}
    pieces = list(vc.stream(voice, watermark=False, **options))
    whole = vc.convert(voice, **options)
    assert len(pieces) > 1
    assert_near(np.concatenate(pieces), whole.samples, 1e-3)


def test_decoding_in_pieces_equals_one_pass(vc: IDFaceVC, voice: Voice) -> None:
    source = vc.analyse((vowels(6.0), RATE))
    mel = vc.convert(voice, source=source).mel
    with torch.no_grad():
        z = vc.net.lookup(source.codes)[None]
        lf0 = torch.nn.functional.pad(source.lf0, (0, 1))[None]
        whole = vc.net.denormalise_mel(vc.net.decode(z, lf0, torch.from_numpy(voice.vector)[None])[1])[0]
    # the repeated last frame reaches a few frames back
    assert_near(mel[:, :-20], whole[:, : mel.shape[1] - 20])


def test_pitch_that_the_decoder_is_given(vc: IDFaceVC, speech: np.ndarray) -> None:
    source = vc.analyse((speech, RATE))
    voiced = source.lf0 != 0
    torch.testing.assert_close(ConversionOptions().pitch(source), source.lf0)
    torch.testing.assert_close(ConversionOptions(pitch_range=0.5).pitch(source), source.lf0 * 0.5)
    raised = ConversionOptions(Style(pitch_range=2.0, pitch_shift=12.0)).pitch(source)
    torch.testing.assert_close(raised[voiced], source.lf0[voiced] * 2 + np.log(2) / source.lf0_std)
    assert (raised[~voiced] == 0).all()
    told = ConversionOptions(Style(pitch_shift=12.0)).pitch(
        source, torch.tensor([5.0, 0.1])
    )  # an octave, in the voice's units
    torch.testing.assert_close(told[voiced], source.lf0[voiced] + np.log(2) / 0.1)
    assert (ConversionOptions(Style(whisper=True)).pitch(source) == 0).all()


def test_level_tilt_and_whisper_act_on_the_decoded_mel() -> None:
    spec = FrontEndSpec()
    mel = torch.rand(spec.n_mels, 50, generator=torch.Generator().manual_seed(0)) - 3
    assert torch.equal(ConversionOptions().colour(mel, spec), mel)
    torch.testing.assert_close(ConversionOptions(Style(energy_db=-5.0)).colour(mel, spec), mel - 0.25)
    tilted = ConversionOptions(Style(spectral_tilt=3.0)).colour(mel, spec)
    octaves = np.log2(band_edges(spec)[1:-1])
    slopes = np.polyfit(octaves, (20 * (tilted - mel)).numpy(), 1)[0]
    np.testing.assert_allclose(slopes, 3.0, atol=1e-3)
    torch.testing.assert_close((10 ** (2 * tilted)).sum(dim=0), (10 ** (2 * mel)).sum(dim=0))
    whispered = ConversionOptions(Style(whisper=True)).colour(mel, spec)
    assert whispered.diff(dim=0).abs().mean() < 0.5 * mel.diff(dim=0).abs().mean()


def test_copy_synthesis(vc: IDFaceVC, speech: np.ndarray) -> None:
    copy = vc.copy_synthesis((speech, RATE))
    assert copy.samples.shape == speech.shape
    assert np.corrcoef(np.abs(copy.samples), np.abs(speech))[0, 1] > 0.3


def test_voices_are_saved_and_only_used_by_their_checkpoint(
    vc: IDFaceVC, voice: Voice, speech: np.ndarray, tmp_path: Path
) -> None:
    voice.save(tmp_path / "anna.safetensors")
    loaded = Voice.load(tmp_path / "anna.safetensors")
    for name in ("vector", "identity", "tokens"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(voice, name))
    np.testing.assert_array_equal(
        vc.convert(loaded, audio=(speech, RATE)).samples, vc.convert(voice, audio=(speech, RATE)).samples
    )
    stranger = IDFaceVC(load_bundle(write_tiny_bundle(tmp_path / "stranger", seed=1)))
    assert stranger.fingerprint != vc.fingerprint
    with pytest.raises(InputError, match="make it from the face again"):
        stranger.convert(loaded, audio=(speech, RATE))


def test_files_that_are_no_voices(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no voice")
    for path, words in [
        (tiny_bundle / "model.safetensors", "not a voice file"),
        (tmp_path / "text.safetensors", "cannot be read"),
        (tmp_path / "absent.safetensors", "no such file"),
    ]:
        with pytest.raises(InputError, match=words):
            Voice.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"vector": np.zeros((2, 16), np.float32)},
        {"vector": np.full(16, np.nan, np.float32)},
        {"vector": np.zeros(0, np.float32)},
        {"identity": np.zeros(16, np.int8)},
        {"tokens": np.zeros(16, np.float32)},
    ],
)
def test_damaged_voices(voice: Voice, tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    arrays = {"vector": voice.vector, "identity": voice.identity, "tokens": voice.tokens, **change}
    save_file(arrays, tmp_path / "odd.safetensors", {"format": "idfacevc-voice-1", "checkpoint": voice.checkpoint})
    with pytest.raises(InputError, match="damaged voice file"):
        Voice.load(tmp_path / "odd.safetensors")


def test_a_voice_of_another_width_is_refused(vc: IDFaceVC, voice: Voice, speech: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"shape \(7,\), not \(32,\)"):
        vc.convert(replace(voice, vector=voice.vector[:7]), audio=(speech, RATE))


def test_the_options_of_a_stream_are_those_of_convert() -> None:
    named = set(get_type_hints(DeliveryOptions))
    assert named == {field.name for field in fields(ConversionOptions)}
    assert named == set(inspect.signature(IDFaceVC.convert).parameters) - {"self", "voice", "audio", "text", "source"}


def test_the_host_program_keeps_its_threads(
    vc: IDFaceVC, voice: Voice, speech: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    used: list[int] = []
    whole = vc.vocoder.stream
    monkeypatch.setattr(vc.vocoder, "stream", lambda *given: (used.append(torch.get_num_threads()), whole(*given))[1])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        for _ in vc.stream(voice, audio=(speech, RATE)):
            assert torch.get_num_threads() == 3
        assert used == [1]
        with pytest.raises(InputError):
            vc.convert(voice, audio=(speech[:9], RATE))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_face_attributes(vc: IDFaceVC, crop: Image.Image) -> None:
    seen = vc.face_attributes(crop, aligned=True)
    assert seen.gender in ("f", "m")
    assert 0.5 <= seen.gender_probability <= 1
    assert "-" in seen.age or "more" in seen.age


def test_exactly_one_input(vc: IDFaceVC, voice: Voice, speech: np.ndarray) -> None:
    for given in (
        {},
        {"audio": (speech, RATE), "text": "hello"},
        {"text": "hello", "source": vc.analyse((speech, RATE))},
    ):
        with pytest.raises(InputError, match="exactly one"):
            vc.convert(voice, **given)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"speed": 0.4}, "speed 0.4 is out of range"),
        ({"speed": float("nan")}, "speed nan"),
        ({"pitch_range": -1.0}, "pitch range -1"),
        ({"style": "operatic"}, "unknown style 'operatic'; there are: neutral"),
        ({"style": "sad", "style_strength": 9.0}, "strength 9"),
    ],
)
def test_options_out_of_range(vc: IDFaceVC, voice: Voice, speech: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        vc.convert(voice, audio=(speech, RATE), **options)


def test_sorting_audio_from_text(tmp_path: Path, speech: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello").touch()
    (tmp_path / "in.wav").touch()
    pair = (speech, RATE)
    assert audio_or_text_of(pair) == (pair, None)
    assert audio_or_text_of(tmp_path / "absent.wav") == (tmp_path / "absent.wav", None)
    assert audio_or_text_of("in.wav") == ("in.wav", None)
    assert audio_or_text_of("hello") == ("hello", None)
    for text in ("Hello there.", "and/or", "x" * 5000, "a\0b", "What is 3.5?", ""):
        assert audio_or_text_of(text) == (None, text)
    for path in ("absent.wav", "some folder/absent.MP3", " absent.flac "):
        with pytest.raises(InputError, match="no such file"):
            audio_or_text_of(path)


def test_the_function_in_one_call(tiny_bundle: Path, photo: Image.Image, speech: np.ndarray) -> None:
    first = convert(photo, (speech, RATE), checkpoint=tiny_bundle, seed=1)
    second = convert(np.asarray(photo), (speech, RATE), checkpoint=tiny_bundle, seed=1)
    np.testing.assert_array_equal(first.samples, second.samples)
    with pytest.raises(TypeError, match="volume"):
        convert(photo, (speech, RATE), checkpoint=tiny_bundle, volume=2)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("tpu", "", "cuda:99", "meta"):
        with pytest.raises(InputError, match=f"unknown device '{name}'; here are: auto, cpu"):
            pick_device(name)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_speech(tiny_bundle: Path, voice: Voice, speech: np.ndarray) -> None:
    here, there = (IDFaceVC.from_pretrained(tiny_bundle, device) for device in ("cpu", "cuda"))
    mels = [vc.convert(voice, audio=(speech, RATE)).mel for vc in (here, there)]
    np.testing.assert_allclose(mels[0], mels[1], atol=1e-2)


def test_a_voice_and_its_speech_say_where_they_came_from(
    vc: IDFaceVC, photo_path: Path, speech: np.ndarray, tmp_path: Path
) -> None:
    vc.voice_from_face(photo_path).save(tmp_path / "anna.safetensors")
    voice = Voice.load(tmp_path / "anna.safetensors")
    assert voice.origin == f"face sha256:{hashlib.sha256(photo_path.read_bytes()).hexdigest()[:16]}"
    vc.convert_to_file(tmp_path / "a.mp3", voice, audio=(speech, RATE))
    vc.convert(voice, audio=(speech, RATE)).save(tmp_path / "b.flac")
    for name in ("a.mp3", "b.flac"):
        facts = facts_of(comment_of(tmp_path / name))
        assert (facts["voice"], facts["system"], facts["watermark"]) == (voice.origin, "ID-FaceVC", "perth")
        assert facts["checkpoint"].endswith(vc.fingerprint)


@pytest.mark.parametrize("level", [0.02, 0.5])
def test_the_output_is_as_loud_as_its_source(vc: IDFaceVC, voice: Voice, level: float) -> None:
    wave = level * vowels(4.0)
    meter = pyloudnorm.Meter(RATE)
    wanted = meter.integrated_loudness(wave.astype(np.float64))
    made = vc.convert(voice, audio=(wave, RATE)).samples
    assert meter.integrated_loudness(made.astype(np.float64)) == pytest.approx(wanted, abs=1.0)
    fixed = vc.convert(voice, audio=(wave, RATE), loudness=-27).samples
    assert meter.integrated_loudness(fixed.astype(np.float64)) == pytest.approx(-27, abs=1.0)


@pytest.mark.parametrize("loudness", ["loud", 3, float("nan")])
def test_a_loudness_out_of_range(loudness: object) -> None:
    with pytest.raises(InputError, match="loudness"):
        ConversionOptions(loudness=loudness)


@pytest.mark.skipif(bool(obstacle()), reason="Kokoro is not installed")
def test_every_option_of_the_function_may_have_its_usual_value(photo_path: Path) -> None:
    speech = convert(photo_path, "Hello.", system="vclip", device="cpu", vocoder=None, checkpoint="demo")
    assert speech.sample_rate == 24000 and np.abs(speech.samples).max() > 0.01

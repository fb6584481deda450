"""Styles: what each number does to audio, measured by other means than WORLD's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from idfacevc.errors import InputError
from idfacevc.text.style import Style, apply_style, load_styles, style

RATE = 16000
NAMES = ("neutral", "calm", "friendly", "cheerful", "excited", "sad", "angry", "terrified", "shouting", "whispering")


def tone(f0: np.ndarray | float, seconds: float = 2.0, tilt: float = -6.0) -> np.ndarray:
    """Harmonics of a fundamental, falling by `tilt` dB an octave, with a fade at both ends."""
    samples = int(seconds * RATE)
    f0 = np.broadcast_to(np.asarray(f0, float), samples)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    partials = (np.where(k * f0 < 7600, k ** (tilt / 6.02), 0) * np.sin(k * phase) for k in range(1, 60))
    fade = np.minimum(1, np.minimum(np.arange(samples), samples - np.arange(samples)) / 800)
    wave = np.sum(list(partials), axis=0) * fade
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


def pitch(wave: np.ndarray, width: int = 1024) -> np.ndarray:
    """F0 of each frame by the first high peak of its autocorrelation, 0 where there is none."""
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(width), 2 * width)) ** 2)[:width] + 1e-9
    found = []
    for start in range(0, len(wave) - width, width // 2):
        frame = wave[start : start + width] * np.hanning(width)
        spectrum = np.abs(np.fft.rfft(frame, 2 * width)) ** 2
        correlation = np.fft.irfft(spectrum)[:width] / window
        lags = np.arange(RATE // 500, RATE // 60)
        peaks = lags[(correlation[lags] > correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]
        high = peaks[correlation[peaks] > max(0.5 * correlation[0], 0.9 * correlation[peaks].max(initial=0))]
        found.append(RATE / high[0] if len(high) and correlation[0] > 1e-6 else 0.0)
    return np.array(found)


def rms_db(wave: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(wave[RATE // 5 : -RATE // 5], dtype=float))))


def octave_levels(wave: np.ndarray) -> np.ndarray:
    """Level in dB of the octaves around 500, 1000, 2000 and 4000 Hz."""
    power = np.abs(np.fft.rfft(wave)) ** 2
    octave = np.log2(np.maximum(np.fft.rfftfreq(len(wave), 1 / RATE), 1) / 500)
    return np.array([10 * np.log10(power[np.abs(octave - place) < 0.5].sum()) for place in range(4)])


def test_neutral_returns_the_input_itself():
    wave = tone(120)
    assert apply_style(wave, RATE, style("neutral")) is wave
    assert apply_style(wave, RATE, style("angry", 0.0)) is wave
    assert apply_style(wave, RATE, Style(pitch_range=1.4, energy_db=3).before_conversion()) is wave


@pytest.mark.parametrize("semitones", [-4.0, 5.0])
def test_pitch_shift_in_semitones(semitones):
    shifted = pitch(apply_style(tone(150), RATE, Style(pitch_shift=semitones)))
    assert np.median(shifted) == pytest.approx(150 * 2 ** (semitones / 12), rel=0.02)


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_pitch_range_spreads_the_contour_about_its_mean(factor):
    contour = 150 * 2 ** (3 / 12 * np.sin(2 * np.pi * np.arange(2 * RATE) / RATE))
    wave = tone(contour)
    before, after = pitch(wave)[4:-4], pitch(apply_style(wave, RATE, Style(pitch_range=factor)))[4:-4]
    assert np.log(after).std() / np.log(before).std() == pytest.approx(factor, rel=0.1)
    assert np.log(after).mean() == pytest.approx(np.log(before).mean(), abs=0.02)


def test_what_is_left_to_the_converter():
    style = Style("own", 2.0, 5.0, -3.0, 1.0, rate=1.2, breathiness=0.3, whisper=True, pauses=0.5)
    assert style.before_conversion() == Style("own", rate=1.2, breathiness=0.3, whisper=True, pauses=0.5)


@pytest.mark.parametrize("decibels", [-6.0, 4.0])
def test_energy_in_decibels_and_no_tilt(decibels):
    wave = tone(150)
    edited = apply_style(wave, RATE, Style(energy_db=decibels))
    assert rms_db(edited) - rms_db(wave) == pytest.approx(decibels, abs=0.5)
    assert np.ptp(octave_levels(edited) - octave_levels(wave)) < 1.5


@pytest.mark.parametrize("tilt", [-2.0, 3.0])
def test_spectral_tilt_in_decibels_an_octave_at_the_same_level(tilt):
    wave = tone(150)
    edited = apply_style(wave, RATE, Style(spectral_tilt=tilt))
    slope = np.polyfit(range(4), octave_levels(edited) - octave_levels(wave), 1)[0]
    assert slope == pytest.approx(tilt, abs=0.4)
    assert rms_db(edited) == pytest.approx(rms_db(wave), abs=0.5)


@pytest.mark.parametrize("rate", [0.6, 1.3])
def test_rate_divides_the_duration_and_keeps_the_pitch(rate):
    wave = tone(150)
    edited = apply_style(wave, RATE, Style(rate=rate))
    assert len(wave) / len(edited) == pytest.approx(rate, rel=1e-4)
    assert np.median(pitch(edited)) == pytest.approx(150, rel=0.02)


def test_breathiness_lowers_periodicity_and_whisper_ends_it():
    wave = tone(150)
    breathy = apply_style(wave, RATE, Style(breathiness=0.7))
    whispered = apply_style(wave, RATE, Style(whisper=True))
    peaks = [_periodicity(samples) for samples in (wave, breathy, whispered)]
    assert peaks[0] > peaks[1] + 0.1 > peaks[2] + 0.2
    assert (pitch(whispered) == 0).mean() > 0.95
    assert rms_db(whispered) == pytest.approx(rms_db(wave), abs=1.5)


def _periodicity(wave: np.ndarray) -> float:
    """Correlation of the wave with itself one period of 150 Hz later."""
    middle = wave[4000:-4000].astype(float)
    lag = round(RATE / 150)
    return float(np.corrcoef(middle[lag:], middle[:-lag])[0, 1])


def test_pauses_scale_silences_alone():
    wave = np.concatenate([tone(150, 0.6), np.zeros(RATE // 2, np.float32), tone(120, 0.6)])
    longer = apply_style(wave, RATE, Style(pauses=2.0))
    assert len(longer) / RATE == pytest.approx(0.6 + 1.0 + 0.6, abs=0.06)


def test_long_audio_is_edited_in_pieces_without_seams():
    wave = np.tile(np.concatenate([tone(150, 0.8), np.zeros(RATE // 5, np.float32)]), 45)
    edited = apply_style(wave, RATE, Style(rate=1.25, spectral_tilt=1.0))
    assert len(wave) / len(edited) == pytest.approx(1.25, rel=0.001)
    assert np.abs(np.diff(edited)).max() < 2 * np.abs(np.diff(edited[: 2 * RATE])).max()


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_gives_finite_samples_of_the_length_it_says(name):
    preset = style(name)
    contour = 150 * 2 ** (2 / 12 * np.sin(2 * np.pi * np.arange(2 * RATE) / RATE))
    edited = apply_style(tone(contour), RATE, preset)
    assert edited.dtype == np.float32 and np.isfinite(edited).all() and np.abs(edited).max() <= 1
    assert len(edited) == pytest.approx(2 * RATE / preset.rate, rel=0.005)
    assert np.array_equal(edited, apply_style(tone(contour), RATE, preset))


@pytest.mark.parametrize(
    "wave",
    [np.zeros(0), np.zeros(1), np.full(3, 0.5), np.zeros(9000), np.random.default_rng(0).normal(0, 0.1, 5000)],
)
def test_odd_input_is_no_fault(wave):
    edited = apply_style(wave.astype(np.float32), RATE, style("excited"))
    assert np.isfinite(edited).all() and (len(edited) > 0) == (len(wave) > 0)


def test_strength_goes_from_neutral_through_the_preset_to_twice_its_difference():
    angry = style("angry")
    assert style("angry", 0.0) == Style()
    assert style("angry", 2.0).energy_db == 2 * angry.energy_db
    assert style("angry", 2.0).pitch_range == pytest.approx(angry.pitch_range**2)
    assert style("angry", 0.5).rate == pytest.approx(angry.rate**0.5)
    assert style("whispering", 2.0).breathiness == 1.0
    assert style("whispering", 0.5).whisper and not style("whispering", 0.4).whisper
    with pytest.raises(InputError, match="strength"):
        style("angry", 2.1)


def test_presets_differ_from_calm_as_their_names_say():
    styles = load_styles()
    assert tuple(sorted(styles)) == tuple(sorted(NAMES))
    for key in ("pitch_range", "pitch_shift", "energy_db", "rate", "spectral_tilt"):
        calm = getattr(styles["calm"], key)
        assert getattr(styles["sad"], key) < calm
        for name in ("friendly", "cheerful", "excited", "angry", "terrified", "shouting"):
            assert getattr(styles[name], key) > calm
    assert styles["whispering"].whisper


def test_users_add_their_own_styles(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("robot: {pitch_range: 0.0}\ncalm: {rate: 0.5}\n")
    assert style("robot", path=path) == Style(name="robot", pitch_range=0.0)
    assert style("calm", path=path) == Style(name="calm", rate=0.5)
    assert style("sad", path=path) == style("sad")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("robot: {pitchrange: 1}", "unknown key pitchrange"),
        ("robot: {rate: fast}", "expected float"),
        ("robot: {rate: 0}", "rate 0 must be positive"),
        ("robot: {breathiness: 2}", "between 0 and 1"),
        ("robot: {rate: .nan}", "rate: nan is no finite number"),
        ("robot: {pauses: -1}", "pauses -1 must not be negative"),
        ("robot: 3", "style robot: expected a mapping"),
        ("- robot", "is no YAML file of settings"),
        ("robot: {", "is no plain YAML"),
    ],
)
def test_faults_of_a_styles_file_are_one_line(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as fault:
        load_styles(path)
    assert "\n" not in str(fault.value)


def test_unknown_style_lists_the_names():
    with pytest.raises(InputError, match="unknown style 'jolly'; there are: neutral, calm"):
        style("jolly")


def test_styles_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Style().rate = 2.0  # type: ignore[misc]

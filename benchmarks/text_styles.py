"""Measure the speaking styles and the speed law on final audio.

python benchmarks/text_styles.py --checkpoint demo --face photo.jpg      (--plot mels.png draws styles and speeds)
python benchmarks/text_styles.py                                         (the base speaker's speech, before conversion)

Every preset says the same sentences. A "!" marks a figure that does not differ from calm in the direction that the
preset's definition says. "sentences" is the share recognised as their own among all (pocketsphinx, chance 1/30).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import librosa
import numpy as np
import pyworld
import torch

from idfacevc import IDFaceVC
from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.evaluation.metrics.sentences import SentenceChooser, spoken_words
from idfacevc.pipeline.plot import figure_class
from idfacevc.text.speakers.base import speak
from idfacevc.text.speakers.registry import base_speaker
from idfacevc.text.style import Style, load_styles

# Lists 1 to 3 of the Harvard sentences (IEEE 1969).
SENTENCES = """The birch canoe slid on the smooth planks.
Glue the sheet to the dark blue background.
It's easy to tell the depth of a well.
These days a chicken leg is a rare dish.
Rice is often served in round bowls.
The juice of lemons makes fine punch.
The box was thrown beside the parked truck.
The hogs were fed chopped corn and garbage.
Four hours of steady work faced us.
A large size in stockings is hard to sell.
The boy was there when the sun rose.
A rod is used to catch pink salmon.
The source of the huge river is the clear spring.
Kick the ball straight and follow through.
Help the woman get back to her feet.
A pot of tea helps to pass the evening.
Smoky fires lack flame and heat.
The soft cushion broke the man's fall.
The salt breeze came across from the sea.
The girl at the booth sold fifty bonds.
The small pup gnawed a hole in the sock.
The fish twisted and turned on the bent hook.
Press the pants and sew a button on the vest.
The swan dive was far short of perfect.
The beauty of the view stunned the young boy.
Two blue fish swam in the tank.
Her purse was full of useless trash.
The colt reared and threw the tall rider.
It snowed, rained, and hailed the same morning.
Read verse out loud for pleasure.""".splitlines()
SPEEDS = (0.5, 0.8, 1.2, 1.5, 2.0)
RATE = 16000  # Hz, of all measurements
DRAWN = ("calm", 1.0), ("whispering", 1.0), ("angry", 1.0), ("neutral", 0.8), ("neutral", 1.0), ("neutral", 1.2)

Say = Callable[[str, str, float], np.ndarray]  # (text, style, speed) → wave (N,) at RATE


@dataclass(frozen=True)
class Measured:
    """What a style sounds like over all sentences; the names are those of the `Style` fields that act on them.

    Attributes:
        pitch_shift: geometric mean of F0, in semitones over 100 Hz; nan without voiced frames.
        pitch_range: 10 % to 90 % of the F0 contours about their means, in semitones.
        energy_db: level of the frames within 30 dB of the loudest.
        spectral_tilt: slope of the octave levels from 250 to 4000 Hz, in dB an octave.
        rate: duration of the neutral sentences over that of these.
        voiced: share of voiced frames.
        sentences: share recognised as their own.
    """

    pitch_shift: float
    pitch_range: float
    energy_db: float
    spectral_tilt: float
    rate: float
    voiced: float
    sentences: float


def measure(waves: list[np.ndarray], neutral_seconds: float, chooser: SentenceChooser) -> Measured:
    contours = [_semitones(wave) for wave in waves]
    voiced = np.concatenate([contour[np.isfinite(contour)] for contour in contours])
    centred = np.concatenate([contour[np.isfinite(contour)] - np.nanmean(contour) for contour in contours
                              if np.isfinite(contour).any()] or [np.zeros(1)])  # fmt: skip
    wave = np.concatenate(waves)
    frames = np.square(wave[: len(wave) // 160 * 160]).reshape(-1, 160).mean(axis=1)
    power = np.square(np.abs(np.fft.rfft(wave)))
    frequencies = np.fft.rfftfreq(len(wave), 1 / RATE)
    octaves = [power[(frequencies >= low) & (frequencies < 2 * low)].sum() for low in (250, 500, 1000, 2000)]
    heard = [chooser(wave) for wave in waves]
    return Measured(
        pitch_shift=float(voiced.mean()) if len(voiced) else np.nan,
        pitch_range=float(np.subtract(*np.percentile(centred, [90, 10]))) if len(voiced) else np.nan,
        energy_db=float(10 * np.log10(frames[frames > frames.max() / 1000].mean())),
        spectral_tilt=float(np.polyfit(range(4), 10 * np.log10(octaves), 1)[0]),
        rate=neutral_seconds * RATE / len(wave),
        voiced=len(voiced) / sum(map(len, contours)),
        sentences=float(np.mean([text == spoken_words(said) for text, said in zip(heard, SENTENCES, strict=True)])),
    )


def _semitones(wave: np.ndarray) -> np.ndarray:
    """F0 in semitones over 100 Hz, 10 ms a frame; nan where unvoiced."""
    samples = np.ascontiguousarray(wave, np.float64)
    f0, times = pyworld.dio(samples, RATE, frame_period=10.0)
    f0 = pyworld.stonemask(samples, f0, times, RATE)
    return 12 * np.log2(np.where(f0 > 0, f0, np.nan) / 100)


def rows(measured: dict[str, Measured], styles: dict[str, Style]) -> Iterator[str]:
    calm, calm_style = measured["calm"], styles["calm"]
    yield "| style | F0 mean Hz | F0 range st | level dB | tilt dB/octave | rate | voiced | sentences |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, style in styles.items():
        one = measured[name]
        if style.whisper:  # the few frames that a tracker finds voiced in noise say nothing about pitch
            one = replace(one, pitch_shift=np.nan, pitch_range=np.nan)
        against = {
            key
            for key in ("pitch_shift", "pitch_range", "energy_db", "spectral_tilt", "rate")
            if (getattr(one, key) - getattr(calm, key)) * (getattr(style, key) - getattr(calm_style, key)) < 0
        }
        cells = {
            "pitch_shift": f"{100 * 2 ** (one.pitch_shift / 12):.0f}",
            "pitch_range": f"{one.pitch_range:.1f}",
            "energy_db": f"{one.energy_db:.1f}",
            "spectral_tilt": f"{one.spectral_tilt:.1f}",
            "rate": f"{one.rate:.2f}",
            "voiced": f"{one.voiced:.2f}",
            "sentences": f"{one.sentences:.2f}",
        }
        shown = ["–" if cell == "nan" else cell + "!" * (key in against) for key, cell in cells.items()]
        yield f"| {name} | {' | '.join(shown)} |"


def converted(checkpoint: str, face: str | Path | np.ndarray) -> Say:
    vc = IDFaceVC.from_pretrained(checkpoint)
    voice = vc.voice_from_face(face)

    def say(text: str, style: str, speed: float) -> np.ndarray:
        speech = vc.convert(voice, text=text, style=style, speed=speed)
        return load_audio((speech.samples, speech.sample_rate), RATE)

    return say


def base() -> Say:
    speaker, styles = base_speaker(), load_styles()

    def say(text: str, style: str, speed: float) -> np.ndarray:
        return load_audio((np.concatenate(list(speak(speaker, text, styles[style], speed))), speaker.sample_rate), RATE)

    return say


def draw(path: Path, say: Say) -> None:
    """The mels of one sentence in three styles (left) and at three speeds (right)."""
    log_mel = LogMel(FrontEndSpec())
    mels = [log_mel(torch.from_numpy(say(SENTENCES[0], *how))[None])[0].numpy() for how in DRAWN]
    low, high = np.percentile(np.concatenate(mels, axis=1), [5, 99.5])
    figure = figure_class(path)(figsize=(8, 4), layout="constrained")
    grid = figure.subplots(3, 2, sharex=True, sharey=True)
    for axes, mel, (style, speed) in zip(grid.T.flat, mels, DRAWN, strict=True):
        extent = (0, mel.shape[1] * log_mel.spec.frame_period, 0, len(mel))
        axes.imshow(mel, origin="lower", aspect="auto", vmin=low, vmax=high, extent=extent, cmap="magma")
        axes.set_title(f"{style}, speed {speed:g}", fontsize=9)
    grid[0, 0].set_xlim(0, max(mel.shape[1] for mel in mels) * log_mel.spec.frame_period)
    figure.supxlabel("s")
    figure.supylabel("mel band")
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="name, folder or hub id; without it the base speaker is measured")
    parser.add_argument("--face", type=Path, help="photo; the default is scikit-image's astronaut")
    parser.add_argument("--plot", type=Path, help="figure to write")
    args = parser.parse_args()
    face = args.face
    if args.checkpoint and face is None:
        from skimage.data import astronaut

        face = astronaut()
    say = converted(args.checkpoint, face) if args.checkpoint else base()
    styles, chooser = load_styles(), SentenceChooser(SENTENCES)
    said = {name: [say(text, name, 1.0) for text in SENTENCES] for name in styles}
    seconds = sum(map(len, said["neutral"])) / RATE
    print("\n".join(rows({name: measure(waves, seconds, chooser) for name, waves in said.items()}, styles)))
    whispers = np.concatenate(said["whispering"][:10])
    voiced = librosa.pyin(whispers, fmin=65, fmax=400, sr=RATE)[1].mean()
    print(f"whispering: pYIN finds {voiced:.3f} of the frames voiced")
    for speed in SPEEDS:
        lasted = sum(len(say(text, "neutral", speed)) for text in SENTENCES[:10]) / RATE
        plain = sum(map(len, said["neutral"][:10])) / RATE
        print(f"speed {speed:g}: duration times speed is {lasted * speed / plain:.3f} of that at speed 1")
    if args.plot:
        draw(args.plot, say)


if __name__ == "__main__":
    main()

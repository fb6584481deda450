"""How well the watermark survives, how often it is heard where it is not, and what it costs.

    python -m benchmarks.watermark --corpora DIR [--count 60] [--seconds 5] [--judged N]

Clips of real recordings by different speakers, at -23 LUFS, marked and unmarked, each after every change of `CHANGES`:
the share in which the mark is found. With `--judged N`, instead: the mark's effect on DNSMOS P.808 and on the words
that Whisper tiny.en hears in N clips, and the processor time of marking.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, resample_poly

from idfacevc.audio import formats
from idfacevc.audio.io import load_audio
from idfacevc.audio.output import at_loudness
from idfacevc.audio.watermark import MARKED, SCORE_RATE, score, watermarker
from idfacevc.data.corpora.item import audio_source
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.base import SEED, Unavailable
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.evaluation.metrics.recognition import FasterWhisper
from idfacevc.evaluation.metrics.wer import whisper_spelling, word_errors
from recipes.demo.corpora import read_utterances, recording_of

RATE = SCORE_RATE
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def coded(form: str, bit_rate: int) -> Change:
    """Through a lossy codec."""
    kind = dataclasses.replace(formats.FORMATS[form], bit_rate=bit_rate)

    def change(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        buffer = io.BytesIO()
        for _ in formats.write(buffer, [wave], RATE, kind, {}):
            pass
        with tempfile.NamedTemporaryFile(suffix=f".{form}") as file:
            file.write(buffer.getvalue())
            file.flush()
            return load_audio(file.name, RATE)

    return change


def at_snr(wave: np.ndarray, other: np.ndarray, decibels: float) -> np.ndarray:
    """A wave (N,) with another one under it."""
    factor = np.sqrt(np.square(wave).mean() / np.square(other).mean()) * 10 ** (-decibels / 20)
    return (wave + factor * other).astype(np.float32)


def one_second(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A second from a random place where somebody speaks (within 10 dB of the loudest second)."""
    starts = np.arange(0, len(wave) - RATE + 1, RATE // 10)
    power = np.array([np.square(wave[start : start + RATE]).mean() for start in starts])
    start = rng.choice(starts[power > power.max() / 10])
    return wave[start : start + RATE]


def faster(wave: np.ndarray, factor: float) -> np.ndarray:
    """Tape speed: duration and pitch."""
    return resample_poly(wave, 100, round(100 * factor)).astype(np.float32)


def in_a_room(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exponentially decaying noise as a room of 0.5 s reverberation, 6 dB under the direct sound."""
    time_axis = np.arange(RATE // 2) / RATE
    tail = rng.normal(size=len(time_axis)) * 10 ** (-3 * time_axis / 0.5)
    return (wave + fftconvolve(wave, tail / np.sqrt(np.square(tail).sum()) / 2)[: len(wave)]).astype(np.float32)


def music(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Chords of four decaying notes with harmonics, half a second each, over a bass and hissing beats."""
    clock = np.arange(RATE // 2) / RATE
    parts = []
    for _ in range(samples // len(clock) + 1):
        root = 110 * 2 ** (rng.integers(12) / 12)
        notes = [root / 2, root, root * 2 ** (rng.choice([3, 4]) / 12), root * 2 ** (7 / 12), 2 * root]
        chord = sum(np.sin(2 * np.pi * n * k * clock) / k for n in notes for k in range(1, 7))
        parts.append(chord * np.exp(-3 * clock) + rng.normal(size=len(clock)) * np.exp(-40 * clock))
    return np.concatenate(parts)[:samples]


CHANGES: dict[str, Change] = {
    "none": lambda wave, rng: wave,
    "MP3, 64 kbit/s": coded("mp3", 64_000),
    "Opus, 24 kbit/s": coded("opus", 24_000),
    "AAC, 64 kbit/s": coded("m4a", 64_000),
    "8 kHz and back": lambda wave, rng: resample_poly(resample_poly(wave, 1, 2), 2, 1).astype(np.float32),
    "white noise at 20 dB": lambda wave, rng: at_snr(wave, rng.normal(size=len(wave)), 20),
    "gain of -12 dB": lambda wave, rng: wave * np.float32(0.25),
    "one second of it": one_second,
    "speed + 5 %": lambda wave, rng: faster(wave, 1.05),
    "speed - 5 %": lambda wave, rng: faster(wave, 0.95),
    "speed + 5 %, with --any-speed": lambda wave, rng: faster(wave, 1.05),
    "speed - 5 %, with --any-speed": lambda wave, rng: faster(wave, 0.95),
    "a room": in_a_room,
    "synthetic music at 10 dB": lambda wave, rng: at_snr(wave, music(len(wave), rng), 10),
}


def clips(corpora: Path, count: int, seconds: float) -> list[np.ndarray]:
    """The middle of LibriSpeech's recordings, each (N,) of another speaker, at -23 LUFS."""
    rows = [one for one in read_utterances(corpora) if one.corpus == "librispeech" and one.seconds >= seconds]
    if not rows:
        raise InputError(f"{corpora}: no recording of LibriSpeech lasts {seconds:g} s")
    found = []
    for one in rows[:count]:
        wave = load_audio(audio_source(recording_of(corpora, one)), RATE)
        start = max(0, len(wave) - int(seconds * RATE)) // 2
        cut = np.array(wave[start : start + int(seconds * RATE)])
        found.append(np.concatenate(list(at_loudness(cut, RATE, -23.0))))
    return found


def found_after(waves: Sequence[np.ndarray], change: Change, any_speed: bool) -> float:
    """The share of waves in which the mark is found after a change."""
    scores = [score(change(wave, np.random.default_rng([SEED, index])), any_speed) for index, wave in enumerate(waves)]
    return float(np.mean(np.array(scores) >= MARKED))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR", help="folder of the demo's corpora")
    parser.add_argument("--count", type=int, default=60, metavar="N", help="clips (default: 60)")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of each clip (default: 5)")
    parser.add_argument("--judged", type=int, metavar="N", help="measure what the mark costs instead, over N clips")
    args = parser.parse_args()
    try:
        plain = clips(args.corpora, args.judged or args.count, args.seconds)
        begin = time.process_time()
        marked = [np.concatenate(list(watermarker().mark([wave], RATE))) for wave in plain]
        factor = (time.process_time() - begin) / (args.seconds * len(plain))
        print(f"{len(plain)} clips of {args.seconds:g} s, seed {SEED}\n")
        if args.judged:
            print(f"| what the mark changes | |\n|---|---|\n{judged(plain, marked)}")
            print(f"| seconds of one processor for a second of speech, loading included | {factor:.3f} |")
            return 0
        print("| change | found in marked | found in unmarked |\n|---|---|---|")
        for name, change in CHANGES.items():
            shares = [found_after(waves, change, "--any-speed" in name) for waves in (marked, plain)]
            print(f"| {name} | {shares[0]:.1%} | {shares[1]:.1%} |", flush=True)
    except (InputError, Unavailable, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def judged(plain: Sequence[np.ndarray], marked: Sequence[np.ndarray]) -> str:
    """What the mark does to quality and words, as rows of a table."""
    dnsmos, recogniser = DnsmosModel(), FasterWhisper(None)
    change = [dnsmos(two)["p808"] - dnsmos(one)["p808"] for one, two in zip(plain, marked, strict=True)]
    heard = [(recogniser(one), recogniser(two)) for one, two in zip(plain, marked, strict=True)]
    edits, words = np.sum([word_errors(whisper_spelling(two), whisper_spelling(one)) for one, two in heard], axis=0)
    return (
        f"| DNSMOS P.808, mean and deviation of the change | {np.mean(change):+.3f}, {np.std(change):.3f} |\n"
        f"| words that {recogniser.name.partition(' (')[0]} hears otherwise | {edits / words:.1%} |"
    )


if __name__ == "__main__":
    sys.exit(main())

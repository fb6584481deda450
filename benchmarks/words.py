"""Which words survive: error rates of Whisper at each step from a recording to a face's voice.

    python -m benchmarks.words --corpora DIR [--corpus librispeech] [--checkpoint demo] [--count 24] [--face N …]

One utterance each of different speakers: as it is, through the vocoder alone, and converted to faces of faces-valid by
turns; with DNSMOS P.808 and overall. Where the table has the text, errors count against it. LibriSpeech's rows have
none: what the recogniser hears in the recording counts as right, so that the recordings have no errors. The demo's
training saw none of these speakers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from idfacevc.api import IDFaceVC
from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.item import audio_source
from idfacevc.errors import InputError
from idfacevc.evaluation.measurement import Measurement, markdown
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, SEED, Unavailable
from idfacevc.evaluation.metrics.dnsmos import DNSMOS, P808, DnsmosModel
from idfacevc.evaluation.metrics.recognition import FasterWhisper
from idfacevc.evaluation.metrics.wer import FasterWhisperCER, FasterWhisperWER
from recipes.demo.corpora import Utterance, kept_out, read_faces, read_utterances, recording_of
from recipes.demo.evaluate.test_set import read_face


def chosen(utterances: Sequence[Utterance], corpus: str, count: int) -> list[Utterance]:
    """Utterances of different held-out speakers, adults; the shortest of 4 s or more.

    Raises:
        InputError: where the table holds none.
    """
    native = corpus == "librispeech"
    speakers: dict[str, Utterance] = {}
    for one in sorted(utterances, key=lambda one: (one.seconds, one.id)):
        known = native and not kept_out(one.corpus, one.speaker)
        grown = native or (one.split == "valid" and (one.age or 0) >= 16)
        if one.corpus == corpus and grown and not known and one.seconds >= 4:
            speakers.setdefault(one.speaker, one)
    if not speakers:
        raise InputError(f"speech.tsv holds no utterance of {corpus} to measure")
    return list(speakers.values())[:count]


def steps(
    system: IDFaceVC, corpora: Path, utterances: Sequence[Utterance], faces: Sequence[int], seed: int
) -> Iterator[tuple[str, Utterance, np.ndarray]]:
    """Every clip to measure: its step, the utterance and samples (N,) at 16 kHz."""
    rows = read_faces(corpora, "valid")
    if beyond := next((index for index in faces if not 0 <= index < len(rows)), None):
        raise InputError(f"--face {beyond}: faces-valid.tsv holds faces 0 to {len(rows) - 1}")
    voices = [system.voice_from_face(read_face(corpora, rows[index].path), aligned=True) for index in faces]
    for number, one in enumerate(utterances):
        voice = voices[number % len(voices)]
        recording = (load_audio(audio_source(recording_of(corpora, one)), SAMPLE_RATE), SAMPLE_RATE)
        copy = system.copy_synthesis(recording, seed=seed)
        converted = system.convert(voice, audio=recording, seed=seed)
        for step, sound in (
            ("recordings", recording),
            ("through the vocoder alone", (copy.samples, copy.sample_rate)),
            ("converted to faces' voices", (converted.samples, converted.sample_rate)),
        ):
            yield step, one, load_audio(sound, SAMPLE_RATE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR", help="folder of the demo's corpora")
    parser.add_argument("--checkpoint", default="demo", metavar="C", help="bundle (default: demo)")
    parser.add_argument("--count", type=int, default=24, metavar="N", help="utterances (default: 24)")
    parser.add_argument("--corpus", choices=["librispeech", "speechocean762"], default="librispeech")
    parser.add_argument(
        "--face", type=int, nargs="+", default=[0, 1, 2, 3], metavar="N", help="rows of faces-valid.tsv, from 0"
    )
    parser.add_argument("--whisper", type=Path, metavar="DIR", help="folder of a Whisper for faster-whisper")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    try:
        utterances = chosen(read_utterances(args.corpora), args.corpus, args.count)
        print(measured(args, utterances))
    except (InputError, Unavailable, FileNotFoundError) as error:
        missing = "not available: " if isinstance(error, Unavailable) else ""
        print(f"{missing}{error}", file=sys.stderr)
        return 2
    return 0


def measured(args: argparse.Namespace, utterances: Sequence[Utterance]) -> str:
    """The table, in Markdown, with a line on what was measured."""
    recogniser, dnsmos = FasterWhisper(args.whisper), DnsmosModel()
    model = recogniser.name.partition(" (")[0]
    metrics: dict[str, tuple[FasterWhisperWER, FasterWhisperCER, P808, DNSMOS]] = {}
    reference: dict[str, str] = {}
    system = IDFaceVC.from_pretrained(args.checkpoint)
    for step, one, wave in steps(system, args.corpora, utterances, args.face, args.seed):
        if step not in metrics:
            metrics[step] = FasterWhisperWER(model), FasterWhisperCER(model), P808(), DNSMOS()
        wer, cer, p808, overall = metrics[step]
        heard, scores = recogniser(wave), dnsmos(wave)
        right = one.text or reference.setdefault(one.id, heard)  # the recording is the first step
        wer.update(heard, right, one.speaker)
        cer.update(heard, right, one.speaker)
        p808.update(scores, one.speaker)
        overall.update(scores, one.speaker)
    figures = [Measurement.of(step, metric, "") for step, own in metrics.items() for metric in own]
    speakers = len({one.speaker for one in utterances})
    about = f"{len(utterances)} utterances of {speakers} speakers, checkpoint {Path(args.checkpoint).name}"
    return f"{about}, faces {args.face}, {recogniser.name}, seed {args.seed}\n\n{markdown(figures)}"


if __name__ == "__main__":
    sys.exit(main())

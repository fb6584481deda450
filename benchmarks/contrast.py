"""How much contrast a decoded mel needs (`post_filter` in a bundle's sizes).

    python -m benchmarks.contrast --corpora DIR [--checkpoint demo] [--contrast 0 0.3 0.6 0.9 1.2] [--count 16]

Utterances of different speakers of LibriSpeech that the demo was trained on, converted to faces of faces-train by
turns: a development set, which the evaluation does not touch. DNSMOS P.808 and overall, and the share of words that
Whisper reads otherwise than in the recording.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from idfacevc.api import IDFaceVC
from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.item import audio_source
from idfacevc.errors import InputError
from idfacevc.evaluation.measurement import Measurement, markdown
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, SEED, Unavailable
from idfacevc.evaluation.metrics.dnsmos import DNSMOS, P808, DnsmosModel
from idfacevc.evaluation.metrics.recognition import FasterWhisper
from idfacevc.evaluation.metrics.wer import FasterWhisperWER
from idfacevc.pipeline.source import analyse
from recipes.demo.corpora import Utterance, kept_out, read_faces, read_utterances, recording_of
from recipes.demo.evaluate.test_set import read_face


def chosen(corpora: Path, count: int) -> list[Utterance]:
    """The shortest utterance of 4 s or more of each of `count` speakers of the training."""
    speakers: dict[str, Utterance] = {}
    for one in sorted(read_utterances(corpora), key=lambda one: (one.seconds, one.id)):
        if one.corpus == "librispeech" and not kept_out(one.corpus, one.speaker) and one.seconds >= 4:
            speakers.setdefault(one.speaker, one)
    if not speakers:
        raise InputError("speech.tsv holds no utterance of librispeech to measure")
    return list(speakers.values())[:count]


def measured(args: argparse.Namespace) -> str:
    """The table, in Markdown, with a line on what was measured."""
    system, recogniser, dnsmos = IDFaceVC.from_pretrained(args.checkpoint), FasterWhisper(), DnsmosModel()
    model = recogniser.name.partition(" (")[0]
    rows = read_faces(args.corpora, "train")[:8]
    voices = [system.voice_from_face(read_face(args.corpora, row.path), aligned=True) for row in rows]
    utterances = chosen(args.corpora, args.count)
    recordings = [load_audio(audio_source(recording_of(args.corpora, one)), SAMPLE_RATE) for one in utterances]
    heard = [recogniser(recording) for recording in recordings]
    sources = [analyse(recording, system.net) for recording in recordings]
    figures = []
    for contrast in args.contrast:
        system.net.post_filter.contrast = contrast
        metrics = FasterWhisperWER(model), P808(), DNSMOS()
        for number, (one, source) in enumerate(zip(utterances, sources, strict=True)):
            made = system.convert(voices[number % len(voices)], source=source, seed=args.seed)
            wave = load_audio((made.samples, made.sample_rate), SAMPLE_RATE)
            scores = dnsmos(wave)
            metrics[0].update(recogniser(wave), heard[number], one.speaker)
            metrics[1].update(scores, one.speaker)
            metrics[2].update(scores, one.speaker)
        figures += [Measurement.of(f"contrast {contrast:g}", metric, "") for metric in metrics]
    about = (
        f"{len(utterances)} utterances, checkpoint {Path(args.checkpoint).name}, {recogniser.name}, seed {args.seed}"
    )
    return f"{about}\n\n{markdown(figures)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR", help="folder of the demo's corpora")
    parser.add_argument("--checkpoint", default="demo", metavar="C", help="bundle (default: demo)")
    parser.add_argument("--contrast", type=float, nargs="+", default=[0, 0.3, 0.6, 0.9, 1.2], metavar="K")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="utterances (default: 16)")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    try:
        print(measured(args))
    except (InputError, Unavailable, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

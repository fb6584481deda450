"""Vclip's voices, spoken: do they fit the faces, sound natural, stay with one person, and differ between two?

    python -m benchmarks.generated_voices --corpora DIR [--faces 60] [--again 20] [--pool generated bank]

Faces are the first of faces-valid, which no training saw; each says one of 60 sentences (IEEE 1969, lists 1 to 6). The
first of them say it once more in the voice of another crop of the same picture: a tenth narrower and off the centre.
The picture's gender is the label's; the voice's is heard by the project's classifier of voices. Error rates are
Whisper's. With --one-sentence all say the same, so that cosines compare voices alone. The pool "bank" has the
synthesiser's own voices choose from: what it reaches bounds what generated voices can reach.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.evaluation.measurement import Metric
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, Unavailable
from idfacevc.evaluation.metrics.dnsmos import DNSMOS, P808, DnsmosModel
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.evaluation.metrics.recognition import FasterWhisper
from idfacevc.evaluation.metrics.wer import FasterWhisperWER
from idfacevc.types import GeneratedVoice
from idfacevc.vclip import Pool, Vclip
from recipes.demo.corpora import read_faces
from recipes.demo.evaluate.test_set import read_face
from recipes.vclip.agreement import seen_gender

SENTENCES = Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines()


def another_crop(picture: np.ndarray | Image.Image) -> Image.Image:
    """The same face a tenth larger and off the centre, as another photo or detector would cut it."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.asarray(picture))
    width, height = image.size
    box = (0.07 * width, 0.04 * height, 0.97 * width, 0.94 * height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR", help="folder of the demo's corpora")
    parser.add_argument("--checkpoint", default="vclip", metavar="C", help="bundle (default: vclip)")
    parser.add_argument("--faces", type=int, default=60, metavar="N", help="(default: 60)")
    parser.add_argument("--again", type=int, default=20, metavar="N", help="faces that speak in another crop as well")
    parser.add_argument("--pool", nargs="+", choices=["generated", "bank"], default=["generated", "bank"])
    parser.add_argument("--one-sentence", action="store_true", help="all say the first sentence")
    args = parser.parse_args()
    try:
        vclip = Vclip.from_pretrained(args.checkpoint)
        columns = {pool: measured(vclip, pool, args) for pool in args.pool}
    except (InputError, Unavailable, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"| {args.faces} faces | {' | '.join(f'{pool} voices' for pool in columns)} |")
    print("|---|" + "---|" * len(columns))
    for name in columns[args.pool[0]]:
        print(f"| {name} | {' | '.join(column[name] for column in columns.values())} |")
    return 0


def measured(vclip: Vclip, pool: Pool, args: argparse.Namespace) -> dict[str, str]:
    """Figures by name, of the best voice of a pool for each face."""
    rows = read_faces(args.corpora, "valid")[: args.faces]
    pictures = [read_face(args.corpora, row.path) for row in rows]
    voices = [vclip.voices(picture, 1, pool, aligned=True)[0] for picture in pictures]
    others = [vclip.voices(another_crop(picture), 1, pool, aligned=True)[0] for picture in pictures[: args.again]]
    sentences = [SENTENCES[0 if args.one_sentence else number % len(SENTENCES)] for number in range(len(rows))]
    encoder, tracker, hearing = SpeakerEncoder(), PitchTracker(), VoiceGender.load()
    recogniser, dnsmos = FasterWhisper(), DnsmosModel()
    wer, p808, overall, gender = (
        FasterWhisperWER(recogniser.name.partition(" (")[0]),
        P808(),
        DNSMOS(),
        GenderAgreement(),
    )
    spent = seconds = 0.0

    def spoken(voice: GeneratedVoice, sentence: str) -> np.ndarray:
        nonlocal spent, seconds
        begin = time.perf_counter()
        speech = vclip.speak(voice, sentence)
        spent += time.perf_counter() - begin
        seconds += len(speech.samples) / speech.sample_rate
        return load_audio((speech.samples, speech.sample_rate), SAMPLE_RATE)

    sound = []
    for row, voice, sentence in zip(rows, voices, sentences, strict=True):
        wave = spoken(voice, sentence)
        sound.append(np.array(encoder(wave)))
        quality = dnsmos(wave)
        wer.update(recogniser(wave), sentence, row.path)
        p808.update(quality, row.path)
        overall.update(quality, row.path)
        gender.update(hearing.predict(sound[-1], tracker(wave)["median"]), row.gender, row.path)
    again = [np.array(encoder(spoken(voice, one))) for voice, one in zip(others, sentences, strict=False)]
    same = [float(one @ other) for one, other in zip(sound, again, strict=False)]
    across = [
        float(sound[one] @ sound[other])
        for one in range(len(rows))
        for other in range(one)
        if rows[one].gender == rows[other].gender
    ]
    seen = seen_gender(torch.stack([vclip.face_features(picture, aligned=True) for picture in pictures]).numpy())
    tower = np.mean([one == row.gender for one, row in zip(seen, rows, strict=True)])
    hub = Counter(voice.name for voice in voices).most_common(1)[0][1] / len(voices)
    return {
        "gender of the voice as labelled": _shown(gender),
        "gender that the face tower reads as labelled": f"{tower:.3f}",
        "DNSMOS P.808": _shown(p808),
        "DNSMOS": _shown(overall),
        f"word errors, {recogniser.name.partition(' (')[0]}": _shown(wer),
        f"cosine of two crops of one face ({len(same)})": f"{np.mean(same):.3f}, the lowest {min(same, default=0):.3f}",
        f"cosine of two people of one gender ({len(across)})": f"{np.mean(across):.3f}",
        "share of the commonest voice": f"{hub:.3f}",
        "real-time factor": f"{spent / seconds:.2f}",
    }


def _shown(metric: Metric) -> str:
    one = metric.compute()
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


if __name__ == "__main__":
    sys.exit(main())

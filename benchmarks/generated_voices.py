"""Vclip's voices, spoken: do they fit the faces, sound natural, stay with one person, and differ between two?

    python -m benchmarks.generated_voices --corpora DIR [--faces 60] [--again 20] [--checkpoint vclip]

Faces are the first of faces-valid, which no training saw; each says one of 60 sentences (IEEE 1969, lists 1 to 6). The
first of them say it once more in the voice of another crop of the same picture: a tenth narrower and off the centre.
The picture's gender is the label's; the voice's is heard by the project's classifier of voices. Error rates are
Whisper's. With --one-sentence all say the same, so that cosines compare voices alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from idfacevc.audio.io import load_audio
from idfacevc.errors import InputError
from idfacevc.evaluation.measurement import Measurement, markdown
from idfacevc.evaluation.metrics.base import SAMPLE_RATE, Unavailable
from idfacevc.evaluation.metrics.dnsmos import DNSMOS, P808, DnsmosModel
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.gender import GenderAgreement, VoiceGender
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.evaluation.metrics.recognition import FasterWhisper
from idfacevc.evaluation.metrics.wer import FasterWhisperWER
from idfacevc.types import GeneratedVoice
from idfacevc.vclip import Vclip
from recipes.demo.corpora import read_faces
from recipes.demo.evaluate.test_set import read_face

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
    parser.add_argument("--one-sentence", action="store_true", help="all say the first sentence")
    args = parser.parse_args()
    try:
        print(measured(args))
    except (InputError, Unavailable, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def measured(args: argparse.Namespace) -> str:
    """The tables."""
    vclip = Vclip.from_pretrained(args.checkpoint)
    rows = read_faces(args.corpora, "valid")[: args.faces]
    pictures = [read_face(args.corpora, row.path) for row in rows]
    voices = [vclip.voices(picture, 1, aligned=True)[0] for picture in pictures]
    others = [vclip.voices(another_crop(picture), 1, aligned=True)[0] for picture in pictures[: args.again]]
    encoder, tracker, hearing = SpeakerEncoder(), PitchTracker(), VoiceGender.load()
    recogniser, dnsmos = FasterWhisper(), DnsmosModel()
    metrics = [FasterWhisperWER(recogniser.name.partition(" (")[0]), P808(), DNSMOS(), GenderAgreement()]
    spent = seconds = 0.0

    def spoken(voice: GeneratedVoice, sentence: str) -> np.ndarray:
        nonlocal spent, seconds
        begin = time.perf_counter()
        speech = vclip.speak(voice, sentence)
        spent += time.perf_counter() - begin
        seconds += len(speech.samples) / speech.sample_rate
        return load_audio((speech.samples, speech.sample_rate), SAMPLE_RATE)

    sound = []
    for number, (row, voice) in enumerate(zip(rows, voices, strict=True)):
        sentence = SENTENCES[0 if args.one_sentence else number % len(SENTENCES)]
        wave = spoken(voice, sentence)
        sound.append(np.array(encoder(wave)))
        heard = hearing.predict(sound[-1], tracker(wave)["median"])
        quality = dnsmos(wave)
        for metric, values in zip(
            metrics, ((recogniser(wave), sentence), (quality,), (quality,), (heard, row.gender)), strict=True
        ):
            metric.update(*values, row.path)  # type: ignore[attr-defined]
    again = [
        np.array(encoder(spoken(voice, SENTENCES[0 if args.one_sentence else number % len(SENTENCES)])))
        for number, voice in enumerate(others)
    ]
    same = [float(one @ other) for one, other in zip(sound, again, strict=False)]
    across = [
        float(sound[one] @ sound[other])
        for one in range(len(rows))
        for other in range(one)
        if rows[one].gender == rows[other].gender
    ]
    hub = Counter(voice.name for voice in voices).most_common(1)[0][1] / len(voices)
    lines = [
        f"{len(rows)} faces of faces-valid, {recogniser.name}",
        "",
        markdown([Measurement.of("Vclip", metric, "") for metric in metrics]),
        "",
        f"cosine of two crops of one face ({len(same)}): mean {np.mean(same):.3f}, lowest {min(same, default=0):.3f}",
        f"cosine of two people of one gender ({len(across)}): mean {np.mean(across):.3f}",
        f"hub share {hub:.3f}; real-time factor {spent / seconds:.2f}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

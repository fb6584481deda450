"""Can Kokoro's voices, which are all grown up, be made children's by a higher register and a shorter vocal tract?

    python -m benchmarks.child_voices --corpora DIR --features DIR [--voices 4]

WORLD raises the pitch of spoken sentences and widens the spectral envelope along frequency. For each step: the age that
is heard, by a regression from Resemblyzer's vectors to the ages of real speakers (`recipes.vclip.features`), DNSMOS
P.808 and Whisper's word errors. The last row is real children, of the same corpus: what the measures say of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyworld
from sklearn.linear_model import Ridge

from idfacevc.audio.io import load_audio
from idfacevc.data.corpora.item import audio_source
from idfacevc.evaluation.metrics.base import SAMPLE_RATE
from idfacevc.evaluation.metrics.dnsmos import P808, DnsmosModel
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.recognition import FasterWhisper
from idfacevc.evaluation.metrics.wer import FasterWhisperWER
from idfacevc.vclip import Vclip
from recipes.demo.corpora import read_utterances, recording_of

SENTENCES = Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines()
STEPS = ((1.0, 1.0), (1.15, 1.0), (1.0, 1.1), (1.15, 1.1), (1.3, 1.15), (1.45, 1.2))  # of pitch, of the envelope


def shorter(wave: np.ndarray, pitch: float, width: float) -> np.ndarray:
    """Speech (N,) at 16 kHz with its pitch times `pitch` and its formants times `width`."""
    f0, envelope, aperiodicity = pyworld.wav2world(wave.astype(np.float64), SAMPLE_RATE)
    bins = np.arange(envelope.shape[1])
    wide = np.stack([np.exp(np.interp(bins / width, bins, np.log(row))) for row in envelope])
    return pyworld.synthesize(f0 * pitch, wide, aperiodicity, SAMPLE_RATE)[: len(wave)].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR")
    parser.add_argument("--features", type=Path, required=True, metavar="DIR", help="of recipes.vclip.features")
    parser.add_argument("--voices", type=int, default=4, metavar="N", help="the youngest of Kokoro's (%(default)s)")
    args = parser.parse_args()
    known = np.load(args.features / "speech.npz")
    ages = Ridge(alpha=1.0).fit(known["embedding"], np.log(known["age"] + 3))
    vclip, encoder, recogniser, dnsmos = Vclip.from_pretrained(), SpeakerEncoder(), FasterWhisper(), DnsmosModel()
    model = recogniser.name.partition(" (")[0]

    def row(name: str, waves: list[np.ndarray], words: list[str]) -> None:
        years, p808, wer = [], P808(), FasterWhisperWER(model)
        for number, (wave, text) in enumerate(zip(waves, words, strict=True)):
            years.append(float(np.exp(ages.predict(np.array(encoder(wave))[None])[0]) - 3))
            p808.update(dnsmos(wave), str(number))
            wer.update(recogniser(wave), text, str(number))
        print(f"| {name} | {np.mean(years):.0f} | {p808.compute().value:.2f} | {wer.compute().value:.3f} |", flush=True)

    bank = vclip.voices_of(vclip.bundle.index[0], len(vclip.bundle.spec.bank), "bank")
    young = sorted(bank, key=lambda voice: float(ages.predict(voice.sound[None])[0]))[: args.voices]
    spoken = [(vclip.speak(voice, text), text) for voice in young for text in SENTENCES[:3]]
    plain = [load_audio((speech.samples, speech.sample_rate), SAMPLE_RATE) for speech, _ in spoken]
    words = [text for _, text in spoken]
    print("| pitch, formants | years heard | P.808 | word errors |\n|---|---|---|---|")
    row("Kokoro as it is", plain, words)
    for pitch, width in STEPS:
        row(f"times {pitch:g}, times {width:g}", [shorter(wave, pitch, width) for wave in plain], words)
    real = [one for one in read_utterances(args.corpora) if one.age is not None and one.age < 10][: len(words)]
    recordings = [load_audio(audio_source(recording_of(args.corpora, one)), SAMPLE_RATE) for one in real]
    row("real children under ten", recordings, [one.text for one in real])


if __name__ == "__main__":
    main()

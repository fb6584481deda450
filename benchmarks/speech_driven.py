"""What a demo training has learnt of voice conversion, before any face: held-out speech in training speakers' voices.

    python -m benchmarks.speech_driven --checkpoint stage_a/last.ckpt --features features/speech --corpora DIR

The voice is e_s of a training speaker's clips ("converted", and "text" for the same words by espeak) or of the source
itself ("own voice"). Prints the share of
sentences recognised among 60, DNSMOS, the cosines of Resemblyzer embeddings to the target and to other recordings of
the source speaker, the share of voices of the target's gender, and the error of the register in semitones.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from idfacevc.audio.io import load_audio
from idfacevc.audio.pitch import log_f0, pitch_register
from idfacevc.data.corpora.item import audio_source
from idfacevc.data.shards import FeatureStore
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder, centroid, cosine
from idfacevc.evaluation.metrics.gender import VoiceGender
from idfacevc.evaluation.metrics.sentences import SentenceChooser, spoken_words
from idfacevc.pipeline.source import analyse
from idfacevc.text.speakers.registry import base_speaker
from idfacevc.training.export import read_network
from idfacevc.vocoders.griffin_lim import GriffinLim
from recipes.demo.corpora import ADULT
from recipes.demo.evaluate.test_set import accented_sources, held_out_adults


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, help="Lightning checkpoint of a stage")
    parser.add_argument("--features", required=True, help="shards of the speech")
    parser.add_argument("--corpora", required=True, type=Path)
    parser.add_argument("--sources", type=int, default=60)
    args = parser.parse_args()

    net = read_network(args.checkpoint)
    spec = net.spec.front_end

    sources, held_out = accented_sources(args.corpora), held_out_adults(args.corpora)
    store = FeatureStore(args.features)
    clips: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, clip in enumerate(store.clips):
        if clip.split == "train" and clip.gender and clip.age and float(clip.age) >= ADULT:
            clips[clip.gender, clip.speaker].append(index)
    targets = {gender: sorted(own for own in clips if own[0] == gender) for gender in ("f", "m")}
    encoder, chooser, dnsmos, gender_of = (
        SpeakerEncoder(),
        SentenceChooser([source.text for source in sources]),
        DnsmosModel(),
        VoiceGender.load(),
    )
    vocoder, espeak = GriffinLim(spec), base_speaker("espeak")
    found: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in ("own voice", "converted", "text")}

    for number, source in enumerate(sources[: args.sources]):
        wav = load_audio(audio_source(source.clip), spec.sample_rate)
        analysed = analyse(wav, net)
        spoken = analyse(load_audio(espeak.synthesise(source.text), spec.sample_rate), net)
        own = np.array(encoder(wav))
        further = [one for one in held_out if one.speaker == source.speaker and one.id != source.id][:5]
        others = [np.array(encoder(load_audio(audio_source(one.clip), 16000))) for one in further]
        wanted = "fm"[number // 2 % 2]
        gender, speaker = targets[wanted][number % len(targets[wanted])]
        embeddings = torch.stack([store.read(i, "speech")[0] for i in clips[gender, speaker]])
        registers = [pitch_register(store.read(i, "lf0").numpy())[0] for i in clips[gender, speaker]]
        mean, target = embeddings.mean(dim=0)[None], centroid(list(embeddings[:, 0].numpy()))
        goals = {
            "own voice": (analysed, torch.from_numpy(own).float()[None, None], source.gender, own, None),
            "converted": (analysed, mean, gender, target, registers),
            "text": (spoken, mean, gender, target, registers),
        }
        for kind, (said, speech, sex, wished, goal) in goals.items():
            voice = net.speech_voice(speech).voice[0]
            frames = torch.arange(len(said.lf0))
            mel = torch.cat(list(net.stream_mel(said.codes, said.lf0, voice, frames, 400)), dim=1)
            made = vocoder(mel)
            embedding, row = np.array(encoder(made)), found[kind]
            voiced = log_f0(made, spec)
            voiced = voiced[voiced != 0]
            row["sentence"].append(chooser(made) == spoken_words(source.text))
            if number % 2 == 0:
                row["DNSMOS"].append(dnsmos(made)["overall"])
            row["SECS target"].append(cosine(embedding, wished))
            if others and kind != "text":
                row["SECS source"].append(cosine(embedding, centroid(others)))
            pitch = float(np.median(voiced)) if len(voiced) else None
            row["gender"].append(gender_of.predict(embedding, pitch) == sex)
            if goal is not None and pitch is not None:
                row["register error (semitones)"].append(abs(pitch - float(np.mean(goal))) * 12 / np.log(2))
    for kind, row in found.items():
        print(kind + ": " + ", ".join(f"{name} {np.mean(values):.3f}" for name, values in row.items()))


if __name__ == "__main__":
    main()

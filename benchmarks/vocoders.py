"""Copy-synthesis of held-out recordings: naturalness and distance from the recordings, of any vocoders side by side.

python -m benchmarks.vocoders --corpora DIR [--vocoder DIR …] [--count 60]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.bundles.model import read_spec, resolve
from idfacevc.bundles.vocoder import GRIFFIN_LIM, load_vocoder
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.data.corpora.item import Item, audio_source
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.losses.stft import MultiResolutionSTFTLoss
from recipes.demo.items import speech_items

_SEED = 520
_LONGEST_SECONDS = 8.0


def held_out(corpora: Path, count: int) -> list[Item]:
    """Utterances of speakers who are not trained on, as many of each as can be."""
    items = [item for item in speech_items(corpora) if item.split == "valid"]
    speakers: dict[str, list[Item]] = {}
    for index in np.random.default_rng(_SEED).permutation(len(items)):
        speakers.setdefault(items[index].speaker, []).append(items[index])
    turns = [
        own[turn] for turn in range(max(map(len, speakers.values()))) for own in speakers.values() if turn < len(own)
    ]
    return turns[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--vocoder", action="append", default=[], help="folder of a vocoder; may be repeated")
    parser.add_argument("--checkpoint", default="demo", help="whose front end the mels have")
    parser.add_argument("--count", type=int, default=60, help="utterances")
    args = parser.parse_args()
    front_end: FrontEndSpec = read_spec(resolve(args.checkpoint)).model.front_end
    log_mel, distance, dnsmos = LogMel(front_end), MultiResolutionSTFTLoss(), DnsmosModel()
    versions: dict[str, Callable[[torch.Tensor], np.ndarray]] = {
        name: load_vocoder(name, front_end) for name in [GRIFFIN_LIM, *args.vocoder]
    }
    items = held_out(args.corpora, args.count)
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in ["recordings", *versions]}
    for item in items:
        wave = load_audio(audio_source(item.audio), front_end.sample_rate)
        wave = wave[: round(_LONGEST_SECONDS * front_end.sample_rate)]
        mel = log_mel(torch.from_numpy(wave)[None])[0]
        scores["recordings"].append((dnsmos(wave)["overall"], 0.0))
        for name, vocoder in versions.items():
            made = vocoder(mel)[: len(wave)]
            error = sum(distance(torch.from_numpy(made)[None], torch.from_numpy(wave)[None]))
            scores[name].append((dnsmos(made)["overall"], float(error)))
    print(f"{len(items)} utterances of {len({item.speaker for item in items})} held-out speakers, seed {_SEED}")
    print("| copy-synthesis | DNSMOS overall | multi-resolution STFT distance |\n|---|---|---|")
    for name, values in scores.items():
        mos, error = np.mean(values, axis=0)
        print(f"| {name} | {mos:.3f} | {error:.3f} |")


if __name__ == "__main__":
    main()

"""Real syntheses: how a style of Kokoro sounds to the speaker encoder, for the signature network.

    python -m recipes.vclip.syntheses --out DIR [--count 600] [--minutes 60]

One file a style, with the style (256,), and of two short sentences the unit Resemblyzer embedding (256,), the median
log-F0 in ln Hz and the DNSMOS P.808. The bank's own voices come first, then by turns samples of the prior and mixtures
of two voices of one gender. What is there is kept: a second run goes on.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from idfacevc.audio.io import load_audio
from idfacevc.evaluation.metrics.dnsmos import DnsmosModel
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder
from idfacevc.evaluation.metrics.pitch import PitchTracker
from idfacevc.models.vclip.prior import Mixture
from idfacevc.text.speakers.kokoro import SAMPLE_RATE, Kokoro, spelled
from idfacevc.text.speakers.spaces.kokoro import KokoroSpace

HEARD_RATE = 16000
TEMPERATURE = 0.9
VARIANCE = 0.9  # of the styles that the prior keeps; the rest is the noise of few voices
SENTENCES = (
    "The boy was there when the sun rose. A rod is used to catch pink salmon.",
    "Glue the sheet to the dark blue background. These days a leg of lamb is rare.",
    "Rice is often served in round bowls. Her purse was full of useless trash.",
    "The juice of lemons makes fine punch. The box was thrown beside the truck.",
    "Four hours of steady work faced us. A large size in stockings is hard to sell.",
    "Kick the ball straight and follow through. The soft cushion broke the fall.",
)


def groups() -> list[np.ndarray]:
    """The styles (n, 256) of the bank's women and of its men."""
    bank = KokoroSpace().bank()
    genders = np.array(bank.genders)
    return [bank.vectors[genders == gender] for gender in "fm"]


def prior(seed: int = 0) -> Mixture:
    """The mixture over the styles of the bank, women and men equally likely."""
    return Mixture.of_groups(groups(), VARIANCE, seed)


def styles(count: int, seed: int = 0) -> np.ndarray:
    """The styles (count, 256) to speak in; a longer list begins with the shorter one."""
    rng = np.random.default_rng(seed)
    people = groups()
    listed = [style for own in people for style in own]
    drawn = prior().sample(count, seed, TEMPERATURE)
    while len(listed) < count:
        own = people[int(rng.integers(2))]
        first, second = rng.choice(len(own), 2, replace=False)
        share = rng.uniform(0.2, 0.8)
        listed += [drawn[len(listed)], share * own[first] + (1 - share) * own[second]]
    return np.stack(listed[:count]).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=600, metavar="N", help="styles in all (%(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="after which the run ends (%(default)s)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * args.minutes
    kokoro, encoder, tracker, dnsmos = Kokoro(), SpeakerEncoder(), PitchTracker(), DnsmosModel()
    spoken = [[spelled(part) for part in sentence.split(". ")] for sentence in SENTENCES]
    for number, style in enumerate(styles(args.count)):
        target = args.out / f"{number:05d}.npz"
        if target.exists():
            continue
        if time.monotonic() > end:
            break
        sound = np.concatenate([kokoro(part, style) for part in spoken[number % len(spoken)]])
        heard = load_audio((sound, SAMPLE_RATE), HEARD_RATE)
        heard_as = {"embedding": encoder(heard), "pitch": tracker(heard)["median"], "p808": dnsmos(heard)["p808"]}
        temporary = target.with_suffix(".partial.npz")
        np.savez(temporary, style=style, **{name: np.asarray(value, np.float32) for name, value in heard_as.items()})  # type: ignore[arg-type]
        os.replace(temporary, target)
    print(f"{len(list(args.out.glob('[0-9]*.npz')))} syntheses in {args.out}")


if __name__ == "__main__":
    main()

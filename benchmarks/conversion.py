"""Seconds that a loaded model takes for a second of converted sound, through each vocoder, and for reading a photo.

python benchmarks/conversion.py [--seconds 10] [--repeats 3] [--vocoder DIR]

The photo is scikit-image's astronaut, the sound espeak's. Without --vocoder, ParallelWaveGAN has its standard sizes and
random weights, which take as long as trained ones. Nothing else should run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from idfacevc import IDFaceVC
from idfacevc.bundles.vocoder import GRIFFIN_LIM, VocoderBundleSpec, save_vocoder
from idfacevc.cli.demo import astronaut
from idfacevc.vocoders.bench import untrained

TEXT = "A face does not determine a voice, but many people agree on which voices suit it. "


def best(repeats: int, run: Callable[..., Any], *args: Any, **named: Any) -> float:
    """Seconds of the quickest run; the first, which is slower than all others, does not count."""
    run(*args, **named)
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run(*args, **named)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="demo")
    parser.add_argument("--vocoder", help="folder of a vocoder in place of the untrained one")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vocoder = args.vocoder
        if vocoder is None:
            vocoder = folder
            spec, generator = untrained()
            front_end = IDFaceVC.from_pretrained(args.checkpoint).vocoder.spec
            save_vocoder(
                Path(folder), VocoderBundleSpec("untrained", vocoder=replace(spec, front_end=front_end)), generator
            )
        photo = astronaut()
        print(f"{torch.get_num_threads()} threads, {args.seconds:g} s of sound, best of {args.repeats}")
        for chosen in (GRIFFIN_LIM, vocoder):
            vc = IDFaceVC.from_pretrained(args.checkpoint, vocoder=chosen)
            voice = vc.voice_from_face(photo)
            spoken = vc.convert(voice, text=TEXT * 8).samples[: round(args.seconds * vc.sample_rate)]
            sound = (np.asarray(spoken), vc.sample_rate)
            took = best(args.repeats, vc.convert, voice, audio=sound) / args.seconds
            print(f"{vc.vocoder.name}: real-time factor {took:.3f}")
        print(f"photo: {best(args.repeats, vc.voice_from_face, photo):.2f} s")


if __name__ == "__main__":
    main()

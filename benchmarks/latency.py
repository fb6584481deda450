"""How long sound takes through a conversion of a recording that is still being made.

python benchmarks/latency.py [--checkpoint demo] [--audio WAV] [--chunk 0.02]

Chunks are handed in as fast as they are taken. For each piece that comes out: the sound that had gone in by then, less
what had come out before it, is what a listener waits at least; and the time that the piece took to compute comes on
top. Without --audio a text goes in that the same voice spoke.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from idfacevc import IDFaceVC
from idfacevc.audio.io import load_audio
from idfacevc.cli.demo import astronaut

TEXT = "A face does not determine a voice, but many people agree on which voices suit it. " * 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="demo")
    parser.add_argument("--audio", metavar="WAV", help="recording")
    parser.add_argument("--chunk", type=float, default=0.02, metavar="S", help="seconds of a chunk (%(default)s)")
    args = parser.parse_args()
    vc = IDFaceVC.from_pretrained(args.checkpoint)
    voice, rate = vc.voice_from_face(astronaut()), vc.sample_rate
    if args.audio:
        wave = load_audio(args.audio, rate)
    else:
        spoken = vc.convert(voice, text=TEXT, base_speaker="espeak")
        wave = load_audio((spoken.samples, spoken.sample_rate), rate)
    gone_in = 0

    def chunks() -> Iterator[np.ndarray]:
        nonlocal gone_in
        size = round(args.chunk * rate)
        for start in range(0, len(wave), size):
            gone_in = min(start + size, len(wave))
            yield wave[start : start + size]

    next(vc.stream(voice, audio=iter([wave[:rate]])))  # loads what is loaded once
    came_out, waits, computed = 0, [], []
    begin = time.perf_counter()
    for piece in vc.stream(voice, audio=chunks()):
        computed.append(time.perf_counter() - begin)
        waits.append((gone_in - came_out) / rate)
        came_out += len(piece)
        begin = time.perf_counter()
    print(f"| {len(wave) / rate:.1f} s in chunks of {args.chunk:g} s | recording waited for, s | computing, s |")
    print("|---|---|---|")
    print(f"| first sound | {waits[0]:.2f} | {computed[0]:.2f} |")
    for name, figure in (("median", np.median), ("longest", max)):
        print(f"| each piece after it, {name} | {figure(waits[1:]):.2f} | {figure(computed[1:]):.2f} |")


if __name__ == "__main__":
    main()

"""Speaker embeddings in batches beside one utterance at a time, in one process, on the same waves.

python benchmarks/embeddings.py [--count 40] [--seconds 1.6]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from idfacevc.backbones.resemblyzer import ResemblyzerBackbone
from idfacevc.text.speakers.registry import base_speaker


def best_of_three(work: Callable[[], object]) -> float:
    """Shortest of three runs, in seconds."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=1.6)
    args = parser.parse_args()
    samples, _ = base_speaker("espeak").synthesise("The quick brown fox jumps over the lazy dog, and so do I.")
    wave = np.resize(samples[::2], int(16000 * args.seconds)).astype(np.float32)
    backbone = ResemblyzerBackbone()
    backbone.tokens([wave] * 2)
    batched = best_of_three(lambda: backbone.tokens([wave] * args.count))
    single = best_of_three(lambda: [backbone.model.embed_utterance(wave) for _ in range(args.count)])
    print(f"{args.count} waves of {args.seconds} s, {torch.get_num_threads()} threads")
    print(f"one at a time {single:.2f} s, batched {batched:.2f} s, ratio {single / batched:.1f}")


if __name__ == "__main__":
    main()

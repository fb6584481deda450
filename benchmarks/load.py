"""How much slower a conversion is where other programs work: the command alone, then beside busy processes.

python benchmarks/load.py [--others 2] [--repeats 3]

Each run is `idfacevc convert` of one sentence, or of a recording of it, in a process of its own, from start to end. The
others count without pause, one core each. Nothing else should run. Wanted: at most 2.5 times slower beside two of them
on two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from idfacevc.cli.demo import astronaut

TEXT = "A face does not determine a voice, but many people agree on which voices suit it."


def seconds(command: list[str], repeats: int) -> float:
    """Median of some runs."""
    took = []
    for _ in range(repeats):
        begin = time.perf_counter()
        subprocess.run(command, check=True)
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others", type=int, default=2, help="busy processes (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the median counts (%(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo, sound = Path(folder) / "photo.png", Path(folder) / "out.wav"
        Image.fromarray(astronaut()).save(photo)
        convert = [sys.executable, "-m", "idfacevc.cli.main", "convert", "--quiet", "--face", str(photo)]
        jobs = {
            "a sentence": [*convert, "--text", TEXT, "-o", str(sound)],
            "a recording of it": [*convert, "--audio", str(sound), "-o", str(Path(folder) / "converted.wav")],
        }
        before = os.getloadavg()[0]
        seconds(jobs["a sentence"], 1)  # reads everything from the disk, and makes the recording
        alone = {name: seconds(command, args.repeats) for name, command in jobs.items()}
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(args.others)]
        try:
            beside = {name: seconds(command, args.repeats) for name, command in jobs.items()}
        finally:
            for one in others:
                one.kill()
    about = f"{os.cpu_count()} cores, load {before:.1f} at the start"
    print(f"| {about} | alone, s | beside {args.others}, s | times slower |")
    print("|---|---|---|---|")
    for name in jobs:
        print(f"| {name} | {alone[name]:.1f} | {beside[name]:.1f} | {beside[name] / alone[name]:.2f} |")


if __name__ == "__main__":
    main()

"""How much slower a conversion is where other programs work: the command alone, then beside busy processes.

python benchmarks/load.py [--others 2] [--repeats 3] [--checkpoint demo]

Each run is `idfacevc convert` of one sentence in a process of its own, from start to end. The others count without
pause, one core each. Nothing else should run. Wanted: at most 2.5 times slower beside two of them on two cores.
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
    parser.add_argument("--checkpoint", default="demo")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo, sound = Path(folder) / "photo.png", Path(folder) / "out.wav"
        Image.fromarray(astronaut()).save(photo)
        command = [sys.executable, "-m", "idfacevc.cli.main", "convert", "--quiet", "--checkpoint", args.checkpoint,
                   "--face", str(photo), "--text", TEXT, "-o", str(sound)]  # fmt: skip
        before = os.getloadavg()[0]
        seconds(command, 1)  # reads everything from the disk
        alone = seconds(command, args.repeats)
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(args.others)]
        try:
            beside = seconds(command, args.repeats)
        finally:
            for one in others:
                one.kill()
    print(f"{os.cpu_count()} cores, load {before:.1f} at the start, medians of {args.repeats}")
    print(f"alone {alone:.1f} s, beside {args.others} busy processes {beside:.1f} s: {beside / alone:.2f} times slower")


if __name__ == "__main__":
    main()

"""The service under load, beside Piper's own HTTP server: first sound, throughput, and a soak of good and bad requests.

    python benchmarks/service.py --clients 1 4 16 --requests 32
    python benchmarks/service.py --soak 30

The servers run one after the other. Ours converts what a base speaker says, with Piper the very voice of the other
server, or speaks by Vclip. First sound is the first byte of an answer's body. The soak reports the memory of the
process over its time, and the answers by status; it fails where a status of 500 or more other than 503 came.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from idfacevc.serve.model import EXAMPLE_PHOTO
from idfacevc.text.speakers.piper import find_weights

TEXT = "This is the first sentence of a request. A second one follows, and then it is at its end."


@dataclass(frozen=True)
class Answer:
    """Seconds to the first byte of the body and to its end, and its bytes."""

    first: float
    whole: float
    size: int


@contextmanager
def started(command: list[str], url: str, seconds: float = 600) -> Iterator[subprocess.Popen[bytes]]:
    """A server's process, once it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + seconds
        while True:
            if process.poll() is not None or time.monotonic() > limit:
                raise SystemExit(f"{' '.join(command)}: did not start")
            try:
                if httpx.get(url).status_code != 503:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        yield process
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(client: httpx.Client, url: str, body: dict[str, str]) -> Answer:
    begin = time.perf_counter()
    with client.stream("POST", url, json=body) as answer:
        answer.raise_for_status()
        pieces = answer.iter_raw()
        size = len(next(pieces))
        first = time.perf_counter() - begin
        size += sum(map(len, pieces))
    return Answer(first, time.perf_counter() - begin, size)


def measure(name: str, clients: int, requests: int, rate: int, one: Callable[[], Answer]) -> None:
    """Print a row: so many clients that ask again as soon as they have an answer."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: one(), range(max(requests, clients))))
    took = time.perf_counter() - begin
    first = sorted(answer.first for answer in answers)
    speech = sum(answer.size for answer in answers) / (2 * rate)
    p95 = first[min(len(first) - 1, round(0.95 * len(first)))]
    print(f"| {name} | {clients} | {statistics.median(first):.2f} | {p95:.2f} | {speech / took:.2f} |", flush=True)


@contextmanager
def our_server(system: str, queue: int = 32) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = "--system vclip" if system == "vclip" else f"--base-speaker {system}"
    line = f"-m idfacevc.cli.main serve --port {port} --queue {queue} {options}"
    with started([sys.executable, *line.split()], f"{url}/healthz") as process:
        httpx.post(f"{url}/v1/voices", files={"image": EXAMPLE_PHOTO.read_bytes()}, data={"name": "anna"}, timeout=600)
        yield url, process


def compare(clients: list[int], requests: int, systems: list[str]) -> None:
    """Print the table of both servers."""
    voice = find_weights()
    assert voice is not None, "needs the extra piper"
    print("| server | clients | first sound p50, s | p95, s | seconds of speech a second |\n|---|---|---|---|---|")
    with httpx.Client(timeout=600) as client:
        for system in systems:
            with our_server(system) as (url, _):
                body = {"input": TEXT, "voice": "anna", "response_format": "wav"}
                for count in clients:
                    one = lambda: ask(client, f"{url}/v1/audio/speech", body)  # noqa: B023, E731
                    measure(f"idfacevc, {system}", count, requests, 24000 if system == "vclip" else 16000, one)
        port = free_port()
        command = [sys.executable, "-m", "piper.http_server", "-m", str(voice), "--port", str(port)]
        with started(command, f"http://127.0.0.1:{port}/voices"):
            for count in clients:
                one = lambda: ask(client, f"http://127.0.0.1:{port}/synthesize", {"text": TEXT})  # noqa: E731
                measure("piper.http_server", count, requests, 22050, one)


def soak(minutes: float) -> int:
    """Good and bad requests by eight clients at once; the exit status."""
    statuses: Counter[tuple[str, str]] = Counter()
    memory: list[float] = []
    with our_server("espeak", queue=6) as (url, process):
        end = time.monotonic() + 60 * minutes

        def work(seed: int) -> None:
            chance = random.Random(seed)
            with httpx.Client(base_url=url, timeout=600) as client:
                while time.monotonic() < end:
                    name, request = chance.choice(REQUESTS)
                    try:
                        status = request(client)
                        statuses[name, str(status)] += 1
                        if status == "429":  # as clients do
                            time.sleep(1)
                    except httpx.TransportError as error:
                        statuses[name, type(error).__name__] += 1

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            memory.append(resident(process.pid))
            time.sleep(min(10.0, 6 * minutes))
        for thread in threads:
            thread.join()
        memory.append(resident(process.pid))
    print("| request | answers by status |\n|---|---|")
    for name, _ in REQUESTS:
        counts = sorted((status, count) for (asked, status), count in statuses.items() if asked == name)
        print(f"| {name} | {', '.join(f'{status}: {count}' for status, count in counts)} |")
    half = memory[len(memory) // 2 :]
    print(f"| memory, MB | {memory[0]:.0f} at first, {half[0]:.0f} in the middle, {max(half):.0f} at most after it |")
    return int(any(status[0] == "5" and status != "503" for _, status in statuses))


def resident(process: int) -> float:
    """Memory of a process, in MB (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def hang_up(client: httpx.Client) -> str:
    with client.stream("POST", "/v1/audio/speech", json={"input": TEXT * 50, "voice": "anna"}) as answer:
        if answer.status_code == 200:
            next(answer.iter_raw())
        return str(answer.status_code)


def convert(client: httpx.Client) -> int:
    said = client.post("/v1/audio/speech", json={"input": "Some words.", "voice": "anna", "response_format": "flac"})
    if said.status_code != 200:
        return said.status_code
    return client.post("/v1/audio/conversions", files={"file": said.content}, data={"voice": "anna"}).status_code


def come_and_go(client: httpx.Client) -> int:
    made = client.post("/v1/voices", files={"image": EXAMPLE_PHOTO.read_bytes()})
    if made.status_code != 201:
        return made.status_code
    return client.delete(f"/v1/voices/{made.json()['data'][0]['id']}").status_code


def post(path: str, **arguments: object) -> Callable[[httpx.Client], int]:
    return lambda client: client.post(path, **arguments).status_code  # type: ignore[arg-type]


REQUESTS: list[tuple[str, Callable[[httpx.Client], object]]] = [
    ("a text", post("/v1/audio/speech", json={"input": TEXT, "voice": "anna"})),
    ("a text, hung up", hang_up),
    ("a recording", convert),
    ("a voice made and deleted", come_and_go),
    ("an unknown voice", post("/v1/audio/speech", json={"input": TEXT, "voice": "nobody"})),
    ("no JSON", post("/v1/audio/speech", content=b"{")),
    ("no picture", post("/v1/voices", files={"image": b"\x89PNG" + bytes(1000)})),
    ("no recording", post("/v1/audio/conversions", files={"file": bytes(5000)}, data={"voice": "anna"})),
    ("too large", post("/v1/voices", files={"image": bytes(30_000_000)})),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--requests", type=int, default=16, metavar="N", help="for each number of clients")
    parser.add_argument("--systems", nargs="*", default=["vclip", "piper", "espeak"], help="vclip or base speakers")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="instead: good and bad requests for so long")
    args = parser.parse_args()
    if args.soak is not None:
        return soak(args.soak)
    compare(args.clients, args.requests, args.systems)
    return 0


if __name__ == "__main__":
    sys.exit(main())

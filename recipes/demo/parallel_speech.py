"""More parallel speech: python -m recipes.demo.parallel_speech --texts FILE --out DIR [--groups 800]

Kokoro reads each sentence with one prosody in three timbres, its pitch curve moved to the register of each timbre, so
that the three files are aligned to the sample: what one says is what the others should become. Optional: the corpora
folder holds a first batch. A run that was stopped goes on with the groups that are missing.

DIR/speech.tsv has the columns of the corpora's table of parallel speech, DIR/kokoro the files (24 kHz, Ogg Opus).
Sentences come from a text file, one a line; public-domain ones keep the result free of rights.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from idfacevc.errors import InputError
from idfacevc.text.speakers.kokoro import SAMPLE_RATE, network_bytes, spelled, symbols, voices
from idfacevc.text.speakers.onnx import session
from recipes.demo.corpora import read_corpus_table
from recipes.demo.speech_features import PARALLEL_COLUMNS, PARALLEL_TABLE

_CARICATURES = {"af_nicole", "am_santa", "em_santa", "pm_santa"}  # a whisperer, and voices nobody has
_ENGLISH = "ab"  # first letters of the voices whose prosody is English
_TIMBRE = 128  # of a style's numbers; the others are its prosody
_PROBE = "The tide was low and the boats lay on the sand."
_PLAIN = re.compile(r"[A-Za-z ,.;:'\"?!-]{30,95}")
_LOWEST_HZ = 40.0  # below it a frame is unvoiced
_PEAK = 0.5


def with_handles(model: bytes) -> bytes:
    """Kokoro's ONNX model with a factor of its pitch curve as an input, and that curve and the durations as outputs.

    Raises:
        InputError: without the package onnx, and for another export than that of Kokoro's packages.
    """
    try:
        import onnx
        from onnx import TensorProto, helper
    except ImportError:
        raise InputError("the package onnx is missing: pip install onnx") from None
    net = onnx.load_from_string(model)
    graph = net.graph
    maker = {name: node for node in graph.node for name in node.output}
    user = maker.get("/decoder/decoder/Unsqueeze_output_0")
    if user is None or "/encoder/Clip_output_0" not in maker:
        raise InputError("this export of Kokoro has other names inside; take the packages of the extra kokoro")
    curve, user.input[0] = user.input[0], "f0_scaled"
    graph.node.insert(list(graph.node).index(user), helper.make_node("Mul", [curve, "f0_scale"], ["f0_scaled"]))
    graph.input.append(helper.make_tensor_value_info("f0_scale", TensorProto.FLOAT, [1]))
    graph.initializer.append(helper.make_tensor("flat", TensorProto.INT64, [1], [-1]))
    graph.node.append(helper.make_node("Cast", ["/encoder/Clip_output_0"], ["frames"], to=TensorProto.FLOAT))
    for source, name in (("frames", "durations"), (curve, "f0")):
        graph.node.append(helper.make_node("Reshape", [source, "flat"], [name]))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{name}_length"]))
    return net.SerializeToString()


class Reader:
    """Kokoro with handles: (tokens, timbre, prosody) -> samples (N,) at 24 kHz, durations (L,), pitch in Hz."""

    def __init__(self) -> None:
        self._session: Any = session(with_handles(network_bytes()), "kokoro", threads=1)

    def __call__(
        self, tokens: list[int], timbre: str, prosody: str, speed: float = 1.0, scale: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        style = np.concatenate([voices()[timbre][:_TIMBRE], voices()[prosody][_TIMBRE:]])
        inputs = {
            "tokens": np.array([tokens], np.int64),
            "style": style[None].astype(np.float32),
            "speed": np.array([speed], np.float32),
            "f0_scale": np.array([scale], np.float32),
        }
        samples, durations, pitch = self._session.run(["audio", "durations", "f0"], inputs)
        return samples.ravel(), durations.ravel(), pitch.ravel()


def registers(read: Reader) -> dict[str, float]:
    """The median pitch in Hz of each voice with its own prosody."""
    tokens = _tokens(spelled(_PROBE))
    heard = {name: read(tokens, name, name)[2] for name in voices() if name not in _CARICATURES}
    return {name: float(np.median(pitch[pitch > _LOWEST_HZ])) for name, pitch in heard.items()}


def _tokens(spoken: str) -> list[int]:
    return [0, *(symbols()[symbol] for symbol in spoken), 0]


def sentences_of(file: Path) -> list[str]:
    """The plain sentences of a text file that are neither short nor long, in a random order that does not change."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as UTF-8 text ({error})") from None
    texts = {line.rpartition("|")[2] for line in lines}  # LJ Speech's tables have a name before the text
    plain = sorted(text for text in texts if _PLAIN.fullmatch(text))
    if not plain:
        raise InputError(f"{file}: holds no sentence of 30 to 95 plain characters")
    random.Random(520).shuffle(plain)
    return plain


def group_rows(read: Reader, register: dict[str, float], number: int, text: str, out: Path) -> list[dict[str, str]]:
    """One sentence in three timbres, the first with its own prosody, written below `out`; a row of each.

    Empty where the three did not come out equally long.
    """
    rng = random.Random(number)
    english = [name for name in register if name[0] in _ENGLISH]
    prosody = english[number % len(english)]
    same = rng.choice([name for name in register if name[1] == prosody[1] and name != prosody])
    other = rng.choice([name for name in register if name[1] != prosody[1]])
    speed, group, spoken = 0.9 + 0.2 * rng.random(), f"p{number:05d}", spelled(text)
    made = []
    for timbre in (prosody, same, other):
        scale = register[timbre] / register[prosody]
        samples, durations, _ = read(_tokens(spoken), timbre, prosody, speed, scale)
        made.append((timbre, scale, samples, durations))
    if len({len(samples) for _, _, samples, _ in made}) > 1:
        return []
    rows = []
    for timbre, scale, samples, durations in made:
        speaker = _speaker(timbre)
        name = f"{speaker}-{group}"
        path = f"kokoro/{speaker}/{name}.opus"
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        loud = samples * (_PEAK / max(1e-4, float(np.abs(samples).max())))
        soundfile.write(out / f"{path}.part", loud.astype(np.float32), SAMPLE_RATE, format="OGG", subtype="OPUS")
        (out / f"{path}.part").replace(out / path)
        values = (
            name, "kokoro", speaker, timbre[1], "", "train", f"{len(samples) / SAMPLE_RATE:.2f}", path, text,
            _speaker(prosody), group, f"{scale:.3f}", spoken, " ".join(str(int(frames)) for frames in durations),
        )  # fmt: skip
        rows.append(dict(zip(PARALLEL_COLUMNS, values, strict=True)))
    return rows


def _speaker(voice: str) -> str:
    return "kk-" + voice.replace("_", "")


def main() -> None:
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True, metavar="FILE", help="sentences, one a line")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--groups", type=int, default=800, metavar="N", help="sentences to read (default: 800)")
    args = parser.parse_args()
    try:
        texts = sentences_of(args.texts)
        read = Reader()
    except InputError as error:
        raise SystemExit(f"parallel_speech: {error}") from error
    args.out.mkdir(parents=True, exist_ok=True)
    table = args.out / PARALLEL_TABLE
    done = set()
    if table.exists():
        done = {row["group"] for row in read_corpus_table(table) if row["durations"]}
    else:
        table.write_text("\t".join(PARALLEL_COLUMNS) + "\n", encoding="utf-8")
    register = registers(read)
    for number in tqdm(range(args.groups)):
        if f"p{number:05d}" in done:
            continue
        rows_of_group = group_rows(read, register, number, texts[number % len(texts)], args.out)
        lines = "".join("\t".join(row.values()) + "\n" for row in rows_of_group)
        with table.open("a", encoding="utf-8") as handle:  # after the files: a row says that its file is whole
            handle.write(lines)


if __name__ == "__main__":
    main()

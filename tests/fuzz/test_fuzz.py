"""Damaged files of every kind through the command line: each is used, or refused in one line, and nothing is left.

What is tried depends on the seed alone; IDFACEVC_FUZZ_SEED and IDFACEVC_FUZZ_COUNT (files of each kind) try others.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import yaml
from PIL import Image
from safetensors.numpy import load_file, save_file

from idfacevc.cli.main import main
from tests.conftest import RATE, vowels
from tests.sizes import tiny_spec

SEED = int(os.environ.get("IDFACEVC_FUZZ_SEED", "520"))
COUNT = int(os.environ.get("IDFACEVC_FUZZ_COUNT", "20"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

Mutation = Callable[[bytes, np.random.Generator], bytes]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, most of them near the start, where headers are."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 12))):
        reach = len(changed) if rng.random() < 0.4 else min(len(changed), 400)
        changed[int(rng.integers(reach))] = int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """The first part."""
    return content[: int(rng.integers(len(content)))]


def holed(content: bytes, rng: np.random.Generator) -> bytes:
    """A stretch taken out, doubled or filled with zeros."""
    first, last = np.sort(rng.integers(len(content), size=2))
    middle = [b"", content[first:last] * 2, bytes(last - first)][int(rng.integers(3))]
    return content[:first] + middle + content[last:]


def numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """A length or count of a header made huge or negative."""
    changed = bytearray(content)
    place = int(rng.integers(max(1, min(len(content), 300) - 4)))
    changed[place : place + 4] = struct.pack("<I", int(rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1])))
    return bytes(changed)


MUTATIONS: tuple[Mutation, ...] = (flipped, cut, holed, numbers)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, photo: Image.Image) -> Path:
    """A small good file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    small = photo.crop((100, 0, 356, 256))
    for suffix in ("png", "jpg", "webp", "bmp", "gif", "tiff"):
        small.save(folder / f"face.{suffix}")
    wave = vowels(0.6)
    for suffix in ("wav", "flac", "ogg", "mp3"):
        soundfile.write(folder / f"sound.{suffix}", wave, RATE)
    with av.open(str(folder / "video.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = small.size
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_image(small)))
        container.mux(stream.encode())
    return folder


@pytest.fixture
def tried(tmp_path: Path, tiny_bundle: Path, whole: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Run a conversion with some options replaced, and look at how it ends."""
    defaults = {"--face": whole / "face.png", "--audio": whole / "sound.wav", "--checkpoint": tiny_bundle}

    def run(about: str, **replaced: Path) -> None:
        out = tmp_path / "out" / "out.wav"
        options = {**defaults, **{f"--{name}": path for name, path in replaced.items()}}
        status = main(["convert", "-o", str(out), *(str(part) for pair in options.items() for part in pair)])
        said = capfd.readouterr().err
        errors = [line for line in said.splitlines() if line.startswith("idfacevc: error: ")]
        assert "Traceback" not in said and "a fault of the program" not in said, f"{about}: {said}"
        if status == 0:
            samples, _ = soundfile.read(out)
            assert np.isfinite(samples).all() and len(samples), about
            shutil.rmtree(out.parent)
        else:
            assert status == 2 and len(errors) == 1, f"{about}: status {status}, {said}"
            assert not out.parent.exists() or not os.listdir(out.parent), about

    return run


def mutated(path: Path, folder: Path, number: int) -> tuple[str, Path]:
    """What was done, and the damaged copy of a file."""
    rng = np.random.default_rng([SEED, number, *path.name.encode()])
    mutation = MUTATIONS[number % len(MUTATIONS)]
    copy = folder / f"{number}{path.suffix}"
    copy.write_bytes(mutation(path.read_bytes(), rng))
    return f"{path.name}, {mutation.__name__}, number {number} of seed {SEED}", copy


@pytest.mark.parametrize("name", ["png", "jpg", "webp", "bmp", "gif", "tiff"])
def test_pictures(whole: Path, tmp_path: Path, tried: Callable[..., None], name: str) -> None:
    for number in range(COUNT):
        about, copy = mutated(whole / f"face.{name}", tmp_path, number)
        tried(about, face=copy)


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3"])
def test_sounds(whole: Path, tmp_path: Path, tried: Callable[..., None], name: str) -> None:
    for number in range(COUNT):
        about, copy = mutated(whole / f"sound.{name}", tmp_path, number)
        tried(about, audio=copy)


def test_videos(whole: Path, tmp_path: Path, tried: Callable[..., None]) -> None:
    for number in range(COUNT):
        about, copy = mutated(whole / "video.mp4", tmp_path, number)
        tried(about, face=copy)


@pytest.mark.parametrize("name", ["model.safetensors", "face.safetensors"])
def test_weights(tiny_bundle: Path, tmp_path: Path, tried: Callable[..., None], name: str) -> None:
    for number in range(COUNT):
        bundle = tmp_path / f"bundle{number}"
        shutil.copytree(tiny_bundle, bundle)
        about, copy = mutated(bundle / name, tmp_path, number)
        os.replace(copy, bundle / name)
        tried(about, checkpoint=bundle)
        shutil.rmtree(bundle)


def test_tensors_of_another_type_or_shape(tiny_bundle: Path, tmp_path: Path, tried: Callable[..., None]) -> None:
    rng = np.random.default_rng(SEED)
    for number in range(COUNT):
        bundle = tmp_path / f"bundle{number}"
        shutil.copytree(tiny_bundle, bundle)
        tensors = load_file(bundle / "model.safetensors")
        name = str(rng.choice(sorted(tensors)))
        kind = int(rng.integers(5))
        if kind == 0:
            tensors[name] = tensors[name].astype(np.int8)
        elif kind == 1:
            tensors[name] = tensors[name][None]
        elif kind == 2:
            tensors[name] = np.asarray(tensors[name] * np.float32(np.nan))
        elif kind == 3:
            tensors[f"{name}.more"] = tensors.pop(name)
        else:
            tensors[name] = np.asarray(tensors[name] * np.float32(1e30))
        save_file(tensors, bundle / "model.safetensors")
        tried(f"{name}, kind {kind} of seed {SEED}", checkpoint=bundle)
        shutil.rmtree(bundle)


VALUES = (None, True, -1, 0, 1, 3, 2**31, 1e300, "x", "", [], [0], {}, {"a": 1}, [[1]], float("nan"))


def edited(config: object, rng: np.random.Generator) -> str:
    """Put an odd value somewhere into nested settings; says where."""
    places: list[tuple[dict | list, object]] = []

    def collect(value: object) -> None:
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            places.append((value, key))  # type: ignore[arg-type]
            collect(child)

    collect(config)
    holder, key = places[int(rng.integers(len(places)))]
    value = VALUES[int(rng.integers(len(VALUES)))]
    holder[key] = value  # type: ignore[index,call-overload]
    return f"{key}: {value!r}"


def test_configurations_of_bundles(tiny_bundle: Path, tmp_path: Path, tried: Callable[..., None]) -> None:
    for number in range(4 * COUNT):
        rng = np.random.default_rng([SEED, number])
        bundle = tmp_path / f"bundle{number}"
        shutil.copytree(tiny_bundle, bundle)
        path = bundle / "config.json"
        config = json.loads(path.read_text())
        about = edited(config, rng)
        path.write_text(json.dumps(config))
        tried(f"config.json, {about}", checkpoint=bundle)
        shutil.rmtree(bundle)


def test_settings_of_a_preparation(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from idfacevc.config.reader import to_dict

    (tmp_path / "clips.tsv").write_text("face\taudio\tspeaker\n\tabsent.wav\ta\n")
    plain = json.loads(json.dumps(to_dict(tiny_spec())))
    for number in range(4 * COUNT):
        rng = np.random.default_rng([SEED, number])
        settings = {"model": {"init_args": {"model": json.loads(json.dumps(plain))}}}
        about = edited(settings, rng)
        text = yaml.safe_dump(settings)
        if number % 4 == 0:
            text = MUTATIONS[number % len(MUTATIONS)](text.encode(), rng).decode("latin-1")
        (tmp_path / "model.yaml").write_text(text, encoding="latin-1")
        line = ["prepare", "folder", str(tmp_path / "clips.tsv"), "--config", str(tmp_path / "model.yaml")]
        status = main([*line, "--workers", "1", "--device", "cpu", "--out", str(tmp_path / f"out{number}")])
        said = capfd.readouterr().err
        assert status == 2 and "Traceback" not in said and "a fault of the program" not in said, f"{about}: {said}"

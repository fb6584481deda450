"""Trained bundles: find one by name, folder or hub id; read and write it strictly.

A bundle is a folder with `config.json` (closed dataclasses: nothing in it names a class to import), `model.safetensors`
(the network), where the face backbone is the tower, `face.safetensors`, and where the vocoder has weights,
`vocoder.safetensors`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from idfacevc.backbones.tower import TOWER_FILE, FaceTower, write_tower
from idfacevc.bundles import hub
from idfacevc.bundles.format_1 import up_to_date
from idfacevc.bundles.tensors import load_tensors, mismatches, save_tensors, shapes_of, undrawn
from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.config.vocoder import GriffinLimSpec, VocoderSpec
from idfacevc.errors import InputError
from idfacevc.files import readable, replacing
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator

DEFAULT = "demo"
CONFIG_FILE, VOCODER_FILE = "config.json", "vocoder.safetensors"
VCLIP_FILE, SPEECH2FACE_FILE = "vclip.safetensors", "speech2face.safetensors"
Kind = Literal["conversion", "vclip", "speech2face"]  # of a bundle; the last two are known by their file of weights
_MODEL = "model.safetensors"
T = TypeVar("T")
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class BundleSpec:
    """`config.json`.

    Attributes:
        format: Of this file; files of format 1 are read as well (`format_1.py`), other numbers are refused.
        name: Name of the bundle in reports.
        model: Sizes of the network.
        vocoder: Vocoder of its mels; the two front ends must be equal.
    """

    name: str
    format: Literal[2] = 2
    model: ModelSpec = field(default_factory=ModelSpec)
    vocoder: VocoderSpec = field(default_factory=GriffinLimSpec)

    def __post_init__(self) -> None:
        ours, theirs = to_dict(self.model.front_end), to_dict(self.vocoder.front_end)
        if differing := [f"{key} {ours[key]} and {theirs[key]}" for key in ours if ours[key] != theirs[key]]:
            raise InputError(f"the front ends of the model and its vocoder differ: {', '.join(differing)}")


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle: the network and, where it has its own, the face tower and the vocoder's generator.

    All of them are in evaluation mode.
    """

    spec: BundleSpec
    net: IDFaceVCNet
    tower: FaceTower | None
    generator: Generator | SourceFilterGenerator | None = None


def roots() -> list[Path]:
    """Folders in which a bundle's name is looked up, in this order."""
    named = os.environ.get("IDFACEVC_CHECKPOINTS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    package = Path(__file__).resolve().parents[1]
    # of a checkout, and where a wheel holds them
    ours = [package.parent / "checkpoints", package / "weights"]
    candidates = [Path(named)] if named else []
    candidates += [*ours, cache / "idfacevc" / "checkpoints"]
    with suppress(OSError):  # of a folder that is gone
        candidates.insert(-1, Path.cwd() / "checkpoints")
    return list(dict.fromkeys(candidates))


def available_bundles(kind: Kind = "conversion") -> dict[str, Path]:
    """Names of the bundles of a kind on this machine and their folders; the first root that has a name wins."""
    found: dict[str, Path] = {}
    for root in roots():
        try:
            folders = sorted(root.iterdir())
        except OSError:  # there is none, or it may not be entered
            continue
        for folder in folders:
            if _there(folder / CONFIG_FILE) and _kind(folder) == kind:
                found.setdefault(folder.name, folder)
    return found


def _kind(folder: Path) -> Kind:
    if _there(folder / SPEECH2FACE_FILE):
        return "speech2face"
    return "vclip" if _there(folder / VCLIP_FILE) else "conversion"


def _there(path: Path) -> bool:
    """Whether something is there that may be looked at."""
    try:
        return path.exists()
    except OSError:
        return False


def resolve(name: str | os.PathLike[str], kind: Kind = "conversion") -> Path:
    """The folder of a bundle given as a folder, a name under one of `roots()`, or a hub id "owner/name".

    Raises:
        InputError: when there is none, with the names that there are.
    """
    if _there(Path(name) / CONFIG_FILE):
        return Path(name)
    if isinstance(name, str) and name in (known := available_bundles(kind)):
        return known[name]
    if isinstance(name, str) and hub.is_id(name):
        return hub.snapshot(name)
    if _there(Path(name)) and Path(name).is_dir():
        if not os.access(name, os.R_OK | os.X_OK):
            raise InputError(f"checkpoint {name}: the folder may not be entered")
        raise InputError(f"checkpoint {name}: the folder holds no {CONFIG_FILE}")
    raise InputError(f"unknown checkpoint {str(name)!r}; here are: {', '.join(available_bundles(kind)) or 'none'}")


def save_bundle(
    folder: str | os.PathLike[str],
    net: IDFaceVCNet,
    tower: FaceTower | None = None,
    *,
    name: str,
    vocoder: VocoderSpec | None = None,
    generator: Generator | SourceFilterGenerator | None = None,
) -> None:
    """Write a bundle. Its files appear under their names when all are complete, `config.json` last; others stay.

    Args:
        folder: Folder to write; it is made where it does not exist.
        net: Network with its weights and sizes.
        tower: Face tower, where that is the face backbone.
        name: Name of the bundle in reports.
        vocoder: Griffin-Lim at the network's front end, unless another is given.
        generator: Network of a trained vocoder; ParallelWaveGAN's without weight norm.
    """
    spec = BundleSpec(name, model=net.spec, vocoder=vocoder or GriffinLimSpec(front_end=net.spec.front_end))
    target = Path(folder)
    with ExitStack() as files:  # which take their places when all are complete, the last one first
        write_config(spec, files.enter_context(replacing(target / CONFIG_FILE)))
        save_tensors(net, files.enter_context(replacing(target / _MODEL)))
        if spec.model.face.backbone.kind == "tower":
            if tower is None:
                raise ValueError("a bundle whose face backbone is the tower needs the tower")
            write_tower(tower, files.enter_context(replacing(target / TOWER_FILE)))
        if spec.vocoder.kind != "griffin_lim":
            if generator is None:
                raise ValueError("a bundle whose vocoder is trained needs its generator")
            save_tensors(generator, files.enter_context(replacing(target / VOCODER_FILE)))


def write_config(spec: object, path: Path) -> None:
    """Write a dataclass as the JSON file that `read_config` reads."""
    path.write_text(json.dumps(to_dict(spec), indent=2) + "\n", encoding="utf-8")


def read_spec(folder: Path) -> BundleSpec:
    """The checked `config.json` of a bundle's folder."""
    return read_config(BundleSpec, folder / CONFIG_FILE)


def read_config(cls: type[T], path: Path) -> T:
    """A JSON file as a closed dataclass; an unreadable file, an unknown key or a wrong value is an `InputError`."""
    with readable(path, "configuration") as file:
        content = file.read_bytes()
    try:
        return from_dict(cls, up_to_date(json.loads(content)))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # the last ones of odd older files
        raise InputError(f"{path}: {error}") from error


def load_bundle(folder: str | os.PathLike[str], device: torch.device | str = "cpu") -> Bundle:
    """Read a bundle's folder strictly.

    Raises:
        InputError: for a damaged file, an unknown key or format, a front end that the vocoder does not share, and
            tensors that are missing, unknown or of another shape than `config.json` says.
    """
    source = Path(folder)
    spec = read_spec(source)
    net = _built(lambda: IDFaceVCNet(spec.model), source, _MODEL)
    load_tensors(net, source / _MODEL)
    return Bundle(
        spec, net.to(device).eval(), load_face_tower(spec, source, device), load_generator(spec.vocoder, source)
    )


def load_face_tower(spec: BundleSpec, folder: Path, device: torch.device | str = "cpu") -> FaceTower | None:
    """The face tower in a bundle's folder; None for a bundle whose face backbone is another."""
    sizes = spec.model.face.backbone
    if sizes.kind != "tower":
        return None
    tower = _built(lambda: FaceTower(sizes), folder, TOWER_FILE)
    load_tensors(tower, folder / TOWER_FILE)
    return tower.to(device).eval()


def _built(build: Callable[[], M], folder: Path, weights: str) -> M:
    """A network of the configured sizes; built without memory first, and compared with the header of its weights."""
    config, path = folder / CONFIG_FILE, folder / weights
    try:
        wanted = shapes_of(build)
    except InputError as error:
        raise InputError(f"{config}: {error}") from error
    except Exception as error:  # PyTorch says what does not fit in many ways
        raise InputError(f"{config}: these sizes make no network ({' '.join(str(error).split())[:200]})") from error
    try:
        with readable(path, "file of weights") as weights_file, safe_open(weights_file, "pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118  no mapping
    except SafetensorError as error:
        raise InputError(f"{path}: is damaged or not a safetensors file ({error})") from error
    kinds = {key: wanted[key].dtype for key in wanted}
    found = {key: torch.empty(shape, device="meta", dtype=kinds.get(key)) for key, shape in shapes.items()}
    if faults := mismatches(wanted, found):
        raise InputError(f"{path}: tensors do not match the configuration: {'; '.join(faults)}")
    return undrawn(build)


def load_generator(spec: VocoderSpec, folder: Path) -> Generator | SourceFilterGenerator | None:
    """The generator in a bundle's folder, without weight norm; None for a vocoder that has none."""
    generator: Generator | SourceFilterGenerator
    mels, hop, rate = spec.front_end.n_mels, spec.front_end.hop_length, spec.front_end.sample_rate
    if spec.kind == "griffin_lim":
        return None
    if spec.kind == "source_filter":
        sizes = spec.source_filter
        generator = _built(lambda: SourceFilterGenerator(sizes, mels, hop, rate), folder, VOCODER_FILE)
    else:
        trained = spec.generator
        generator = _built(lambda: Generator(trained, mels, weight_norm=False), folder, VOCODER_FILE)
    load_tensors(generator, folder / VOCODER_FILE)
    return generator.eval()

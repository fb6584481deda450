"""`idfacevc download`: fetch what a configuration names, so that later work runs offline."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from idfacevc.bundles import hub
from idfacevc.config.training_files import read_model

if TYPE_CHECKING:
    from idfacevc.config.model import ModelSpec

EXAMPLE = "idfacevc download --checkpoint demo"
# of facenet-pytorch's releases, trained on VGGFace2
FACENET = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "download",
        help="fetch pretrained weights into the usual caches",
        description="Fetch the weights that a checkpoint, a training configuration or the evaluation needs; sizes are "
        "shown first.",
        epilog=f"example: {EXAMPLE}",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--checkpoint", default="demo", metavar="NAME", help="name, folder or hub id (%(default)s)")
    which.add_argument(
        "--config",
        action="append",
        metavar="YAML",
        help="training configuration, all of whose backbones are fetched; repeated as for train",
    )
    which.add_argument(
        "--evaluation", action="store_true", help="models of the evaluation's paper tier: Whisper large-v3 and UTMOS"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be fetched")
    parser.set_defaults(run=run)
    tasks = parser.add_subparsers(dest="task", metavar="task")
    clap = tasks.add_parser(
        "import-clap",
        help="make a folder that speech.name takes of LAION's own CLAP checkpoint",
        epilog="example: idfacevc download import-clap music_speech.pt clap",
    )
    clap.add_argument("file", type=Path, metavar="CHECKPOINT.pt")
    clap.add_argument("folder", type=Path, metavar="DIR", help="folder to write")
    clap.set_defaults(run=run_import_clap)


class _Source(Protocol):
    """Weights somewhere else: whether they are here too, the bytes still to be fetched, and fetching them."""

    @property
    def name(self) -> str: ...

    @property
    def here(self) -> bool: ...

    def size(self) -> int: ...

    def fetch(self, size: int) -> Path: ...


@dataclass
class Repository:
    """A repository of the hub."""

    name: str
    revision: str | None

    @property
    def here(self) -> bool:
        return hub.cached(self.name, self.revision) is not None

    def size(self) -> int:
        self._missing = hub.missing(self.name, self.revision)
        return sum(self._missing.values())

    def fetch(self, size: int) -> Path:
        return hub.fetch(self.name, self._missing, self.revision)


def run(args: argparse.Namespace) -> int:
    from idfacevc.bundles.model import read_spec, resolve

    if args.evaluation:
        from idfacevc.evaluation.weights import paper_weights

        wanted: list[_Source] = list(paper_weights())
    elif args.config:
        wanted = weights_of(read_model(args.config), training=True)
    else:
        wanted = weights_of(read_spec(resolve(args.checkpoint)).model, training=False)
    if not wanted:
        print("nothing to fetch: every weight is inside the checkpoint or the installed packages")
    absent = []
    for one in wanted:
        if one.here:
            print(f"{one.name}: is here already")
        else:
            absent.append((one, one.size()))
            print(f"{one.name}: {_megabytes(absent[-1][1])} to fetch")
    if len(absent) > 1:
        print(f"together: {_megabytes(sum(size for _, size in absent))}")
    for one, size in absent if not args.dry_run else ():
        print(f"{one.name}: in {one.fetch(size)}")
    return 0


def run_import_clap(args: argparse.Namespace) -> int:
    from idfacevc.backbones.import_laion import convert

    convert(args.file, args.folder)
    print(f"{args.folder}: CLAP's audio branch")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def weights_of(model: ModelSpec, training: bool) -> list[_Source]:
    """What a model needs beside its bundle and the installed packages; the speech backbone only while training."""
    wanted: list[_Source] = []
    if model.face.backbone == "facenet":
        from idfacevc.evaluation.weights import Weights

        wanted.append(Weights("FaceNet (VGGFace2)", FACENET, Path(model.face.name)))
    named: list[_Source] = []
    if model.face.backbone == "clip":
        named.append(Repository(model.face.name, model.face.revision))
    if training and model.speech.kind == "clap_safpq":
        named.append(Repository(model.speech.name, model.speech.revision))
    return wanted + [one for one in named if hub.is_id(one.name) and not Path(one.name).is_dir()]

"""`idfacevc prepare`: a corpus becomes feature shards."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from idfacevc.cli.recipe import recipe
from idfacevc.config.model import ModelSpec
from idfacevc.errors import InputError

if TYPE_CHECKING:
    from idfacevc.data.corpora.item import Item

EXAMPLE = "idfacevc prepare folder clips.tsv --config recipes/demo/conf/model.yaml --tower tower --out features"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "prepare",
        help="turn a corpus into feature shards",
        description="Extract mel, pitch, speaker features and face tokens into memory-mapped shards. Running it again "
        "goes on where it was.",
        epilog=f"example: {EXAMPLE}",
    )
    corpora = parser.add_subparsers(dest="corpus", required=True)

    folder = corpora.add_parser(
        "folder",
        help="a folder of videos, or a TSV with the columns face, audio, speaker",
        description="A folder SPEAKER/CLIP.mp4 (any video, at any depth below the speaker), or a table. Its further "
        "columns: id, split (train, valid or test), gender, age, text. Pictures, folders of pictures and videos serve "
        "as faces, recordings and videos as audio; paths count from the table's folder.",
        epilog="example: idfacevc prepare folder videos --config model.yaml --out features",
    )
    folder.add_argument("source", type=Path, metavar="FOLDER|CLIPS.tsv")
    lrs3 = corpora.add_parser(
        "lrs3",
        help="LRS3: pretrain, trainval and test of speaker/clip.mp4",
        description="The speakers with most clips: pretrain trains, trainval validates; and the fixed test speakers.",
        epilog="example: idfacevc prepare lrs3 --root LRS3 --config model.yaml --out features",
    )
    lrs3.add_argument("--root", type=Path, required=True, help="folder that holds pretrain, trainval and test")
    lrs3.add_argument("--speakers", type=int, default=200, help="how many are trained on (%(default)s)")
    voxceleb = corpora.add_parser(
        "voxceleb",
        help="VoxCeleb1 or VoxCeleb2: [dev|test]/mp4/speaker/video/clip.mp4, or wav and pictures",
        description="The dev part trains, the test part validates. vox1_meta.csv or vox2_meta.csv in the root gives "
        "names and genders.",
        epilog="example: idfacevc prepare voxceleb --root VoxCeleb2 --config model.yaml --out features",
    )
    voxceleb.add_argument("--root", type=Path, required=True, help="folder that holds dev, test or mp4, wav, aac")
    voxceleb.add_argument("--faces", type=Path, help="folder SPEAKER/VIDEO/*.jpg, for VoxCeleb1's wav files")
    demo = corpora.add_parser(
        "demo",
        help="the demo's corpora folder",
        epilog="example: idfacevc prepare demo speech --corpora corpora --out features",
    )
    demo.add_argument("what", choices=("speech", "faces", "pairs"))
    demo.add_argument("--corpora", type=Path, required=True, help="folder with the speech and face tables")
    demo.add_argument("--voices", type=Path, help="pairs: table of how well each voice is spoken")

    for one in (folder, lrs3, voxceleb, demo):
        one.add_argument("--out", type=Path, required=True, help="folder of the shards")
        one.add_argument(
            "--config",
            action="append",
            metavar="YAML",
            help="training configuration with the model (the paper's setting)",
        )
        one.add_argument("--tower", default="", help="folder of the trained face tower, where that is the backbone")
        one.add_argument(
            "--face-views", type=int, default=1, help="views of each face: one plain, the others augmented"
        )
        one.add_argument("--engine", choices=("local", "ray"), default="local", help="this machine, or a Ray cluster")
        one.add_argument("--workers", type=int, default=0, help="processes; 0 takes one a core")
        one.add_argument("--device", default="auto", help="of the networks: auto, cpu, cuda (all GPUs) or cuda:N")
        one.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from idfacevc.config.training_files import read_model
    from idfacevc.data.corpora.folder import read_folder
    from idfacevc.data.features import FeatureSpec
    from idfacevc.data.prepare import prepare

    model = read_model(args.config) if args.config else ModelSpec()
    if args.workers < 0 or args.face_views < 1:
        raise InputError("--workers must not be negative, and --face-views at least 1")
    spec = FeatureSpec(model.front_end, model.speech, model.face, args.tower, args.face_views)

    def make(items: list[Item], spec: FeatureSpec, out: Path, shard_clips: int = 64) -> None:
        if spec.face and spec.face.backbone.kind == "tower" and not spec.tower:
            raise InputError("the face backbone of the configuration is a tower: give its folder with --tower")
        device = _device(args.device)
        print(prepare(items, spec, out, args.workers, shard_clips, engine=args.engine, device=device))

    if args.corpus == "folder":
        make(read_folder(args.source), spec, args.out)
    elif args.corpus == "lrs3":
        from idfacevc.data.corpora.lrs3 import lrs3_items

        make(lrs3_items(args.root, args.speakers), spec, args.out)
    elif args.corpus == "voxceleb":
        from idfacevc.data.corpora.voxceleb import voxceleb_items

        make(voxceleb_items(args.root, args.faces), spec, args.out)
    elif args.what == "pairs":
        pairing = recipe("demo.items").write_pairing(args.out, args.voices)
        for group, item in sorted(pairing.groups.items()):
            print(f"{group}: {len(item.speakers)} speakers")
    elif args.what == "faces":
        make(
            recipe("demo.items").face_items(args.corpora),
            replace(spec, speech=None),
            args.out / "faces",
            shard_clips=512,
        )
    else:
        demo = recipe("demo.items")
        items = demo.speech_items(args.corpora) + demo.espeak_items(args.corpora, args.out / "espeak")
        make(items, replace(spec, face=None), args.out / "speech")
    return 0


def _device(name: str) -> str:
    """ "cuda" for all GPUs of the machine, else a single device."""
    import torch

    from idfacevc.pipeline.device import pick_device

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    pick_device(name)
    return name

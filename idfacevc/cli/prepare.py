"""`idfacevc prepare`: a corpus becomes feature shards."""

from __future__ import annotations

import argparse
from pathlib import Path

from idfacevc.config import ModelSpec

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
        help="a TSV with the columns face, audio, speaker",
        description="Further columns: id, split (train or valid), gender, age, text. Pictures and videos serve as "
        "faces, recordings and videos as audio; paths count from the table's folder.",
    )
    folder.add_argument("table", type=Path, metavar="CLIPS.tsv")
    demo = corpora.add_parser("demo", help="the demo's corpora folder")
    demo.add_argument("what", choices=("speech", "faces", "pairs"))
    demo.add_argument("--corpora", type=Path, required=True, help="folder with the speech and face tables")

    for one in (folder, demo):
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
        one.add_argument("--workers", type=int, default=0, help="processes; 0 takes one a core")
        one.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from idfacevc.config_file import read_model
    from idfacevc.data.features import FeatureSpec
    from idfacevc.data.items import read_folder
    from idfacevc.data.prepare import prepare

    model = read_model(args.config) if args.config else ModelSpec()
    spec = FeatureSpec(model.front_end, model.speech, model.face, args.tower, args.face_views)
    if args.corpus == "folder":
        print(prepare(read_folder(args.table), spec, args.out, args.workers))
        return 0

    from idfacevc.data import demo
    from idfacevc.data.shards import FeatureStore

    if args.what == "pairs":
        pairing = demo.pair(FeatureStore(args.out / "speech"), FeatureStore(args.out / "faces"))
        pairing.save(args.out / "pairing.safetensors")
        for group, item in sorted(pairing.groups.items()):
            print(f"{group}: {len(item.speakers)} speakers")
    elif args.what == "faces":
        spec = replace(spec, speech=None)
        print(prepare(demo.face_items(args.corpora), spec, args.out / "faces", args.workers, shard_clips=512))
    else:
        items = demo.speech_items(args.corpora) + demo.espeak_items(args.corpora, args.out / "espeak")
        print(prepare(items, replace(spec, face=None), args.out / "speech", args.workers))
    return 0

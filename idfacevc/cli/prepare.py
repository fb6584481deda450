"""`idfacevc prepare`: a corpus becomes feature shards."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from idfacevc.config import PROFILES

EXAMPLE = "idfacevc prepare folder clips.tsv --out features"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "prepare",
        help="turn a corpus into feature shards",
        description="Extract mel, pitch, speaker features and face tokens into memory-mapped shards. Running it again "
        "goes on where it was.",
        epilog=f"example: {EXAMPLE}",
    )
    corpora = parser.add_subparsers(dest="corpus", required=True)

    folder = corpora.add_parser("folder", help="a TSV with the columns face, audio, speaker")
    folder.add_argument("table", type=Path, help="TSV; paths in it count from its folder")
    demo = corpora.add_parser("demo", help="the demo's corpora folder")
    demo.add_argument("what", choices=("speech", "faces", "pairs"))
    demo.add_argument("--corpora", type=Path, required=True, help="folder with the speech and face tables")

    for one in (folder, demo):
        one.add_argument("--out", type=Path, required=True, help="folder of the shards")
        one.add_argument("--front-end", choices=sorted(PROFILES), default="vqmivc16k")
        one.add_argument("--floor", type=float, help="smallest mel value before the logarithm")
        one.add_argument("--face-tower", default="", help="folder with the face.safetensors of a trained tower")
        one.add_argument("--face-views", type=int, default=1, help="views of each face: one plain, the others augmented")
        one.add_argument("--workers", type=int, default=0, help="processes; 0 takes one a core")
        one.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.data.features import FeatureSpec
    from idfacevc.data.items import read_folder
    from idfacevc.data.prepare import prepare

    front_end = PROFILES[args.front_end]
    if args.floor is not None:
        front_end = replace(front_end, floor=args.floor)
    if args.corpus == "folder":
        items = read_folder(args.table)
        spec = FeatureSpec(front_end, face_tower=args.face_tower, face_views=args.face_views)
        print(prepare(items, spec, args.out, args.workers))
        return 0

    from idfacevc.data import demo
    from idfacevc.data.shards import FeatureStore

    if args.what == "pairs":
        pairing = demo.pair(FeatureStore(args.out / "speech"), FeatureStore(args.out / "faces"))
        pairing.save(args.out / "pairing.safetensors")
        for group, item in sorted(pairing.groups.items()):
            print(f"{group}: {len(item.speakers)} speakers")
    elif args.what == "faces":
        spec = FeatureSpec(front_end, "none", args.face_tower, args.face_views)
        print(prepare(demo.face_items(args.corpora), spec, args.out / "faces", args.workers, shard_clips=512))
    else:
        items = demo.speech_items(args.corpora) + demo.espeak_items(args.corpora, args.out / "espeak")
        print(prepare(items, FeatureSpec(front_end), args.out / "speech", args.workers))
    return 0

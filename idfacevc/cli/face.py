"""`idfacevc face`: the plausible average face of people with a voice like the one that is heard."""

from __future__ import annotations

import argparse
from pathlib import Path

from idfacevc.cli.faults import say
from idfacevc.cli.options import add_quiet
from idfacevc.errors import InputError

EXAMPLE = "idfacevc face --audio recording.m4a -o face.png"
ETHICS = (
    "a voice does not tell what a person looks like: the result is an average of people with similar voices, no "
    "likeness; not for identifying anyone, and no evidence"
)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "face",
        help="draw a plausible average face for a voice, or rank portraits by their fit",
        description="What face fits a voice (Speech2Face): a plausible average face of people with similar voices, "
        "which shows nobody.\nHeard are the first 6 seconds of speech.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--audio", required=True, metavar="FILE", help="recording of one person talking")
    parser.add_argument("-o", "--output", type=Path, metavar="FACE.png", help="picture to write")
    parser.add_argument("--features", type=Path, metavar="FILE", help="face feature to write, .safetensors")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="own or licensed portraits, listed by their fit")
    parser.add_argument("--checkpoint", default="speech2face", metavar="NAME", help="bundle (%(default)s)")
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.files import check_writable, distinct
    from idfacevc.speech2face import Fit, Speech2Face, portraits_of

    if not (args.output or args.features or args.gallery):
        raise InputError("say what is wanted: -o FACE.png, --features FILE or --gallery DIR")
    for path, suffix in ((args.output, ".png"), (args.features, ".safetensors")):
        if path is not None:
            if path.suffix.lower() != suffix:
                raise InputError(f"{path}: is written as {suffix}")
            check_writable(path)
            distinct(path, args.audio)
    portraits = portraits_of(args.gallery) if args.gallery else []
    model = Speech2Face.from_pretrained(args.checkpoint)
    face = model.face(args.audio)
    fits = []
    for one in model.rank(face.feature, portraits):
        if isinstance(one, Fit):
            fits.append(one)
        else:
            say("warning", str(one))
    if portraits and not fits:
        raise InputError(f"{args.gallery}: no portrait shows a face that can be used")
    say("note", ETHICS)
    if args.output:
        face.save(args.output)
    if args.features:
        face.save_features(args.features)
    if not args.quiet:
        print(f"the first {face.seconds:.1f} s of speech were heard")
        for number, fit in enumerate(sorted(fits, key=lambda fit: fit.angle), start=1):
            print(f"{number}: {fit.path}, {fit.angle:.1f} degrees")
        for written in (args.output, args.features):
            if written:
                print(written)
    return 0

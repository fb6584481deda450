"""`idfacevc dub`: the speech of a video in another voice."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from idfacevc.cli.options import add_delivery, add_model, add_output, add_quiet, delivery_of, shown
from idfacevc.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from idfacevc.api import IDFaceVC
    from idfacevc.types import Voice

EXAMPLE = "idfacevc dub talk.mp4 --face photo.jpg -o dubbed.mp4"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "dub",
        help="a video speaks in another voice",
        description="The speech of a video in the voice of a face; the pictures are copied as they are.\n"
        "Music and noise behind the speech are converted with it and suffer; nothing is separated.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("video", metavar="IN.mp4", help="video of any container")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--face", metavar="IMG", help="picture or video, or auto for the largest face of this video")
    who.add_argument("--voice", metavar="FILE", help="voice saved by convert --voice-out, instead of a face")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=".mp4, .m4v, .mov, .mkv or .webm")
    parser.add_argument("--track", type=int, default=0, metavar="N", help="audio track, from 0; others are copied")
    add_delivery(parser)
    add_output(parser)
    add_model(parser)
    add_quiet(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.api import IDFaceVC
    from idfacevc.audio.watermark import watermarker
    from idfacevc.dub import check_video_output, dub
    from idfacevc.files import check_writable, distinct
    from idfacevc.pipeline.options import arguments

    source, target = Path(args.video), Path(args.output)
    check_video_output(target)
    check_writable(target)
    distinct(target, source, args.face, args.voice, args.styles)
    options = delivery_of(args)
    if options.changes_duration:
        raise InputError("a dubbed video keeps its time: give neither --speed nor a style that changes the rate")
    vc = IDFaceVC.from_pretrained(args.checkpoint, args.device, args.vocoder)
    voice = _voice(vc, args)
    begin = time.perf_counter()

    def convert(samples: np.ndarray) -> Iterator[np.ndarray]:
        pieces = vc.stream(voice, audio=(samples, vc.sample_rate), watermark=args.watermark, **arguments(options))
        return shown(pieces, vc.sample_rate, args.quiet)

    tags = vc.provenance(voice).tags(watermarker().name if args.watermark else "none")
    seconds = dub(source, target, convert, vc.sample_rate, args.track, tags)
    if not args.quiet:
        print(f"{target}: {seconds:.2f} s of speech in {time.perf_counter() - begin:.2f} s")
    return 0


def _voice(vc: IDFaceVC, args: argparse.Namespace) -> Voice:
    from idfacevc.types import Voice

    if args.voice:
        return Voice.load(args.voice)
    if args.face != "auto":
        return vc.voice_from_face(args.face)
    return vc.voice_from_face(vc.faces.largest_of_video(args.video))

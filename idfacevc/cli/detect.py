"""`idfacevc detect`: does a recording carry the mark of synthetic speech?"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

from idfacevc.cli.faults import BAD_INPUT, say
from idfacevc.errors import InputError

EXAMPLE = "idfacevc detect hello.wav voicemail.mp3"


@dataclass(frozen=True)
class Finding:
    """What one file tells.

    Attributes:
        file: as it was given.
        score: Score of the watermark, from 0 to 1.
        verdict: "marked" or "not marked", by the watermark alone: a comment is easily written and easily lost.
        comment: Comment in the metadata.
    """

    file: str
    score: float
    verdict: str
    comment: str


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "detect",
        help="find the mark of synthetic speech in recordings",
        description="Look for the inaudible mark that everything carries which idfacevc makes, in any audio or video.\n"
        "Exit status: 0 where every file is marked, 1 where one is not, 2 where one cannot be read.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "--any-speed", action="store_true", help="also find what is played up to 6 %% faster or slower; takes longer"
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.audio.watermark import watermarker

    watermarker()
    findings, unreadable = [], False
    for file in args.files:
        try:
            findings.append(find(file, args.any_speed))
        except InputError as error:
            unreadable = True
            say("error", str(error))
    if args.json:
        print(json.dumps([asdict(one) for one in findings], indent=1, ensure_ascii=False))
    elif findings:
        print(f"{'score':>5}  {'verdict':<10}  file")
        for one in findings:
            print(f"{one.score:5.2f}  {one.verdict:<10}  {one.file}")
            if one.comment:
                print(f"{'':19}{one.comment}")
    return BAD_INPUT if unreadable else int(any(one.verdict != "marked" for one in findings))


def find(file: str, any_speed: bool = False) -> Finding:
    """Listen to one file; what cannot be read or is silent is an `InputError`."""
    from idfacevc.audio.io import comment_of, load_audio
    from idfacevc.audio.watermark import MARKED, SCORE_RATE, score
    from idfacevc.files import readable

    with readable(file, "recording") as path:
        heard = score(load_audio(path, SCORE_RATE), any_speed)
        comment = comment_of(path)
    return Finding(file, round(heard, 4), "marked" if heard >= MARKED else "not marked", comment)

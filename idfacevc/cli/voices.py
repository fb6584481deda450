"""`idfacevc voices`: the voices that fit a face, ranked and spoken, to choose one of."""

from __future__ import annotations

import argparse
from pathlib import Path

from idfacevc.cli.options import add_quiet
from idfacevc.errors import InputError

EXAMPLE = "idfacevc voices --face photo.jpg -k 5 --text 'Hello there.' --out out/voices"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "voices",
        help="candidate voices of a face, spoken and ranked",
        description="The voices that fit a face best, with their scores; spoken, with a page to listen to, where "
        "--text and --out are given.\nOne of them is saved for `convert --voice` with --pick and --save.",
        epilog=f"example: {EXAMPLE}",
    )
    add_faces(parser)
    parser.add_argument("-k", type=int, default=5, metavar="K", help="how many (%(default)s)")
    parser.add_argument("--text", help="words that each voice says")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the recordings and of index.html")
    parser.add_argument("--pick", type=int, metavar="N", help="voice to save, from 1, the best (default: 1)")
    parser.add_argument("--save", metavar="FILE", help="file of the voice picked, .safetensors")
    add_pool(parser)
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.0,
        metavar="T",
        help="above 0, voices are drawn by chance, likelier where they fit; 0.05 is lively (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of that draw (%(default)s)")
    parser.add_argument("--checkpoint", default="vclip", metavar="NAME", help="bundle of Vclip (%(default)s)")
    add_quiet(parser)
    parser.set_defaults(run=run)


def add_faces(parser: argparse.ArgumentParser) -> None:
    """Options that say whose face, and which of several in a picture."""
    parser.add_argument(
        "--face", action="append", required=True, metavar="IMG", help="picture or video; several of one person average"
    )
    parser.add_argument("--strict-face", action="store_true", help="refuse pictures with several faces")
    parser.add_argument("--face-index", type=int, metavar="N", help="which of several faces, from 0, the largest first")


def add_pool(parser: argparse.ArgumentParser) -> None:
    """The option that says among which voices to choose."""
    parser.add_argument(
        "--voices",
        choices=("generated", "bank"),
        default="generated",
        help="generated ones belong to nobody; the bank is the synthesiser's own (%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    from idfacevc.audio.watermark import watermarker
    from idfacevc.casting import described, write_audition
    from idfacevc.files import check_writable
    from idfacevc.vclip import Vclip

    if (args.text is None) != (args.out is None):
        raise InputError("--text and --out belong together: the voices say the text into the folder")
    if args.pick is not None and args.save is None:
        raise InputError("--pick needs --save FILE")
    if args.save:
        if Path(args.save).suffix != ".safetensors":
            raise InputError(f"{args.save}: voices are saved as .safetensors")
        check_writable(args.save)
    pick = args.pick or 1
    if not 1 <= pick <= args.k:
        raise InputError(f"--pick {pick}: there are voices 1 to {args.k}")
    if args.temperature < 0:
        raise InputError(f"--temperature {args.temperature:g} must not be negative")
    if args.out:
        watermarker()
    vclip = Vclip.from_pretrained(args.checkpoint)
    reading = {"strict": args.strict_face, "index": args.face_index}
    found = vclip.voices(args.face, args.k, args.voices, args.temperature, args.seed, **reading)
    page = write_audition(found, args.text, args.out) if args.out else None
    if args.save:
        found[pick - 1].save(args.save)
    if not args.quiet:
        for number, voice in enumerate(found, start=1):
            print(described(number, voice))
        for written in (page, args.save):
            if written:
                print(written)
    return 0

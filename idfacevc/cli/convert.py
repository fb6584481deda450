"""`idfacevc convert`: one face, one recording or text, one file of speech."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from idfacevc.cli.options import (
    add_commercial,
    add_credentials,
    add_delivery,
    add_model,
    add_output,
    add_quiet,
    credentials_of,
    delivery_of,
    shown,
)
from idfacevc.errors import InputError
from idfacevc.files import readable

EXAMPLE = "idfacevc convert --face photo.jpg --text 'Hello there.' -o hello.wav"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="a face and a recording or a text become speech",
        description="Speech in a voice that fits the face, of a recording or a text.\n"
        "Texts are plain text of any length; SSML and other markup are not interpreted.",
        epilog=f"example: {EXAMPLE}",
    )
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument(
        "--face",
        action="append",
        metavar="IMG",
        help="picture or video; give it several times to average pictures of one person",
    )
    who.add_argument("--voice", metavar="FILE", help="saved voice instead of a face, of a face or a generated one")
    parser.add_argument("--voice-out", metavar="FILE", help="also save the voice, as .safetensors")
    content = parser.add_mutually_exclusive_group(required=True)
    content.add_argument("--audio", metavar="WAV", help="recording whose words are kept, of any format")
    content.add_argument("--text", help="words to say, plain text only: no SSML; - reads standard input")
    content.add_argument("--text-file", metavar="FILE", help="file of the words to say, UTF-8")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file to write: .wav, .flac, .mp3, .opus or .m4a"
    )
    add_delivery(parser)
    add_output(parser)
    add_credentials(parser)
    add_commercial(parser)
    add_model(parser)
    parser.add_argument(
        "--system",
        choices=("auto", "vclip", "idfacevc"),
        default="auto",
        help="vclip speaks a text in a natural voice that belongs to nobody and fits the face, idfacevc converts a "
        "base speaker; auto is vclip for texts where Kokoro is here (%(default)s)",
    )
    parser.add_argument(
        "--strict-face", action="store_true", help="refuse a picture with several faces instead of taking the largest"
    )
    parser.add_argument(
        "--face-index", type=int, metavar="N", help="which of several faces in a picture, from 0, the largest first"
    )
    add_quiet(parser)
    parser.add_argument("--plot", metavar="FIG", help="also draw face, mels and pitch, as .png, .pdf or .svg")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.audio.watermark import watermarker
    from idfacevc.bundles.licences import check_commercial
    from idfacevc.convert_file import FileConversion, check_files, convert_file

    text = _text(args)
    wanted = FileConversion(
        args.output,
        args.face or (),
        args.voice,
        args.audio,
        text,
        delivery_of(args),
        args.system,
        args.checkpoint,
        args.device,
        args.vocoder,
        args.strict_face,
        args.face_index,
        args.watermark,
        credentials_of(args),
        args.voice_out,
        args.plot,
    )
    check_files(wanted)
    if args.commercial:
        check_commercial(args.checkpoint, args.vocoder, None if text is None else args.base_speaker)
    if args.watermark:
        watermarker()  # its weights, if they are missing, are missed before the work
    written = convert_file(wanted, partial(shown, quiet=args.quiet))
    if not args.quiet:
        factor = written.took / written.seconds
        print(f"system: {written.system}")
        print(
            f"{args.output}: {written.seconds:.2f} s of speech in {written.took:.2f} s (real-time factor {factor:.2f})"
        )
        if args.plot:
            print(args.plot)
    return 0


def _text(args: argparse.Namespace) -> str | None:
    """The words to say, from the command line, a file or standard input."""
    if args.text_file is None and args.text != "-":
        return args.text
    name = args.text_file or "standard input"
    if args.text_file is None:
        read = sys.stdin.buffer.read()
    else:
        with readable(args.text_file, "text") as file:
            read = file.read_bytes()
    try:
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not text in UTF-8") from error

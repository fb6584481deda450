"""`idfacevc convert`: one face, one recording or text, one file of speech."""

from __future__ import annotations

import argparse
import time
from dataclasses import fields
from pathlib import Path

from idfacevc.errors import InputError

EXAMPLE = "idfacevc convert --face photo.jpg --text 'Hello there.' -o hello.wav"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="a face and a recording or a text become speech",
        description="Speech in a voice that fits the face, of a recording or a text.\n"
        "Texts are plain text of any length; SSML and other markup are not interpreted.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "--face",
        action="append",
        required=True,
        metavar="IMG",
        help="picture or video; give it several times to average pictures of one person",
    )
    content = parser.add_mutually_exclusive_group(required=True)
    content.add_argument("--audio", metavar="WAV", help="recording whose words are kept, of any format")
    content.add_argument("--text", help="words to say, plain text only: no SSML")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=".wav or .flac file to write")
    add_delivery(parser)
    add_model(parser)
    parser.add_argument(
        "--strict-face", action="store_true", help="refuse a picture with several faces instead of taking the largest"
    )
    parser.add_argument("--plot", metavar="FIG", help="also draw face, mels and pitch, as .png, .pdf or .svg")
    parser.set_defaults(run=run)


def add_delivery(parser: argparse.ArgumentParser) -> None:
    """Options that say how to speak."""
    parser.add_argument("--style", default="neutral", help="speaking style; an unknown one lists all (%(default)s)")
    parser.add_argument("--style-strength", type=float, default=1.0, metavar="S", help="0 to 2 (%(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="0.5 to 2 (%(default)s)")
    parser.add_argument(
        "--pitch-range", type=float, default=1.0, metavar="R", help="width of the intonation, 0 to 4 (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same samples (%(default)s)")
    parser.add_argument("--language", default="en", help="of the text (%(default)s)")
    parser.add_argument(
        "--base-speaker",
        default="auto",
        metavar="NAME",
        help="says the text: auto, espeak, kokoro, piper, vits, openvoice, a folder with weights of the last two, or a "
        "Piper voice's .onnx (%(default)s)",
    )
    parser.add_argument(
        "--speaker", type=int, default=0, metavar="N", help="of a vits or piper with several (%(default)s)"
    )
    add_styles(parser)


def add_styles(parser: argparse.ArgumentParser) -> None:
    """The option that names a file of own styles."""
    parser.add_argument("--styles", metavar="YAML", help="file of own styles, which are added to the presets")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Options that say which weights to use, and where."""
    parser.add_argument("--checkpoint", default="demo", metavar="NAME", help="name, folder or hub id (%(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps or auto (%(default)s)")
    parser.add_argument(
        "--vocoder", metavar="PATH", help="folder of another vocoder, or griffin-lim (default: the checkpoint's own)"
    )


def run(args: argparse.Namespace) -> int:
    from idfacevc.api import IDFaceVC
    from idfacevc.audio.io import check_output, check_writable, load_audio, save_audio
    from idfacevc.files import distinct
    from idfacevc.pipeline.options import ConversionOptions
    from idfacevc.pipeline.plot import figure_class, plot_conversion

    # what can be refused without work is refused first
    check_output(args.output)
    distinct(args.output, *args.face, args.audio, args.styles)
    if args.plot:
        distinct(args.plot, *args.face, args.audio, args.styles)
        if Path(args.plot).absolute() == Path(args.output).absolute():
            raise InputError(f"{args.plot}: is the name of the output as well")
        figure_class(args.plot)
        check_writable(args.plot)
    options = {field.name: getattr(args, field.name) for field in fields(ConversionOptions)}
    delivery = ConversionOptions(**options)
    vc = IDFaceVC.from_pretrained(args.checkpoint, args.device, args.vocoder)
    crops = vc.faces.crops(args.face, strict=args.strict_face)
    voice = vc.voice_from_face(crops, aligned=True)
    begin = time.perf_counter()
    pieces = vc.stream(voice, audio=args.audio, text=args.text, **options)
    seconds = save_audio(args.output, pieces, vc.sample_rate) / vc.sample_rate
    took = time.perf_counter() - begin
    print(f"{args.output}: {seconds:.2f} s of speech in {took:.2f} s (real-time factor {took / seconds:.2f})")
    if args.plot:
        source = vc.source_speech(args.audio, args.text, delivery)
        output = load_audio(args.output, vc.sample_rate)
        plot_conversion(args.plot, crops[0], source, output, vc.spec.model.front_end)
        print(args.plot)
    return 0

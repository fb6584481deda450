"""`idfacevc convert`: one face, one recording or text, one file of speech."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from idfacevc.cli.licences import add_commercial, check_commercial
from idfacevc.errors import InputError
from idfacevc.files import readable

if TYPE_CHECKING:
    import numpy as np

    from idfacevc.audio.manifest import Credentials
    from idfacevc.pipeline.options import ConversionOptions
    from idfacevc.types import GeneratedVoice, Voice

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


def add_output(parser: argparse.ArgumentParser) -> None:
    """Options of the waveform that is written."""
    level = parser.add_mutually_exclusive_group()
    level.add_argument(
        "--loudness",
        type=_loudness,
        default="source",
        metavar="LUFS",
        help="of the output; source: the recording's own, -23 for a text (%(default)s)",
    )
    level.add_argument(
        "--no-normalize", dest="loudness", action="store_const", const=None, help="leave the level as it comes out"
    )
    parser.add_argument(
        "--no-watermark",
        dest="watermark",
        action="store_false",
        help="leave out the inaudible mark, and say so",
    )


def add_credentials(parser: argparse.ArgumentParser) -> None:
    """Options that sign what is written."""
    parser.add_argument("--c2pa-certificate", metavar="PEM", help="sign a C2PA manifest with this certificate chain")
    parser.add_argument("--c2pa-key", metavar="PEM", help="private key of the certificate")


def credentials_of(args: argparse.Namespace) -> Credentials | None:
    """Who signs; None where neither file was given, an `InputError` where one was."""
    from idfacevc.audio.manifest import Credentials

    if (args.c2pa_certificate is None) != (args.c2pa_key is None):
        raise InputError("--c2pa-certificate and --c2pa-key go together")
    return None if args.c2pa_key is None else Credentials.load(args.c2pa_certificate, args.c2pa_key)


def _loudness(given: str) -> float | str:
    return given if given == "source" else float(given)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """The option that keeps progress and results from being printed."""
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


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
    from idfacevc.audio.io import load_audio
    from idfacevc.audio.output import check_output
    from idfacevc.audio.watermark import watermarker
    from idfacevc.face.reader import origin_of
    from idfacevc.files import check_writable, distinct
    from idfacevc.pipeline.options import ConversionOptions
    from idfacevc.pipeline.plot import figure_class, plot_conversion
    from idfacevc.types import GeneratedVoice, load_voice

    # what can be refused without work is refused first
    credentials = credentials_of(args)
    check_output(args.output, signed=credentials is not None)
    distinct(args.output, *(args.face or ()), args.audio, args.styles)
    if args.plot:
        distinct(args.plot, *(args.face or ()), args.audio, args.styles)
        if Path(args.plot).absolute() == Path(args.output).absolute():
            raise InputError(f"{args.plot}: is the name of the output as well")
        if args.voice:
            raise InputError("--plot draws a face: give --face instead of --voice")
        figure_class(args.plot)
        check_writable(args.plot)
    if args.voice_out:
        if Path(args.voice_out).suffix != ".safetensors":
            raise InputError(f"{args.voice_out}: voices are saved as .safetensors")
        check_writable(args.voice_out)
    text = _text(args)
    check_commercial(args, None if text is None else args.base_speaker)
    options = {field.name: getattr(args, field.name) for field in fields(ConversionOptions)}
    delivery = ConversionOptions(**options)
    if args.watermark:
        watermarker()
    voice = load_voice(args.voice) if args.voice else None
    system = _system(args, voice, text)
    if system == "vclip":
        assert text is not None
        return _speak(args, voice, text, delivery, credentials)
    vc = IDFaceVC.from_pretrained(args.checkpoint, args.device, args.vocoder)
    if isinstance(voice, GeneratedVoice):
        voice = vc.voice_from_sound(voice.sound)
    if voice is None:
        crops = vc.faces.crops(args.face, strict=args.strict_face, index=args.face_index)
        voice = replace(vc.voice_from_face(crops, aligned=True), origin=origin_of(args.face))
    if args.voice_out:
        voice.save(args.voice_out)
    progress = partial(shown, rate=vc.sample_rate, quiet=args.quiet)
    begin = time.perf_counter()
    seconds = vc.convert_to_file(
        args.output,
        voice,
        audio=args.audio,
        text=text,
        watermark=args.watermark,
        credentials=credentials,
        progress=progress,
        **options,
    )
    _tell(args, system, seconds, time.perf_counter() - begin)
    if args.plot:
        source = vc.source_speech(args.audio, text, delivery)
        output = load_audio(args.output, vc.sample_rate)
        plot_conversion(args.plot, crops[0], source, output, vc.spec.model.front_end)
        if not args.quiet:
            print(args.plot)
    return 0


def _system(args: argparse.Namespace, voice: Voice | GeneratedVoice | None, text: str | None) -> str:
    """Which system speaks: that of a saved voice, else the one asked for, else the better one that can."""
    from idfacevc.pipeline.system import choose_system
    from idfacevc.types import GeneratedVoice

    generated = isinstance(voice, GeneratedVoice)
    if voice is not None and not generated:
        if args.system == "vclip":
            raise InputError(f"{args.voice}: is the voice of a converter; system vclip speaks in generated voices")
        return "idfacevc"
    if args.plot and args.system != "vclip":
        return "idfacevc"  # the figure shows a conversion
    if args.plot:
        raise InputError("--plot draws a conversion: give --system idfacevc")
    if generated and text is not None and args.system == "auto":
        return "vclip"
    return choose_system(args.system, text, vars(args))


def _speak(
    args: argparse.Namespace,
    voice: Voice | GeneratedVoice | None,
    text: str,
    delivery: ConversionOptions,
    credentials: Credentials | None,
) -> int:
    """A text in a generated voice, that of the file or the one that fits the face best."""
    from idfacevc.audio.output import save_audio
    from idfacevc.types import GeneratedVoice
    from idfacevc.vclip import Vclip, space_of, spoken

    if voice is None:
        vclip = Vclip.from_pretrained()
        voice = vclip.voices(args.face, 1, strict=args.strict_face, index=args.face_index)[0]
    assert isinstance(voice, GeneratedVoice)
    if args.voice_out:
        voice.save(args.voice_out)
    rate = space_of(voice.space).sample_rate
    pieces = shown(spoken(voice, text, delivery), rate, args.quiet)
    begin = time.perf_counter()
    samples = save_audio(
        args.output,
        pieces,
        rate,
        loudness=delivery.target_loudness(None),
        watermark=args.watermark,
        provenance=voice.provenance,
        credentials=credentials,
    )
    _tell(args, "vclip", samples / rate, time.perf_counter() - begin)
    return 0


def _tell(args: argparse.Namespace, system: str, seconds: float, took: float) -> None:
    """Which system spoke, and how long it took."""
    if not args.quiet:
        print(f"system: {system}")
        print(f"{args.output}: {seconds:.2f} s of speech in {took:.2f} s (real-time factor {took / seconds:.2f})")


def shown(pieces: Iterator[np.ndarray], rate: int, quiet: bool) -> Iterator[np.ndarray]:
    """The pieces, while a terminal shows how many seconds of speech there are so far."""
    from tqdm import tqdm

    form = "{n:.0f} s of speech after {elapsed}"
    with tqdm(bar_format=form, leave=False, disable=True if quiet else None) as bar:  # None: where it is no terminal
        for piece in pieces:
            yield piece
            bar.update(len(piece) / rate)


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

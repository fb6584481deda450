"""Options that several verbs share, and what their values mean."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from idfacevc.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from idfacevc.audio.manifest import Credentials
    from idfacevc.pipeline.options import ConversionOptions


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


def delivery_of(args: argparse.Namespace) -> ConversionOptions:
    """The options of `add_delivery` and `add_output`, checked."""
    from idfacevc.pipeline.options import ConversionOptions

    return ConversionOptions(**{field.name: getattr(args, field.name) for field in fields(ConversionOptions)})


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


def add_commercial(parser: argparse.ArgumentParser) -> None:
    """The option that refuses parts by their licence."""
    parser.add_argument("--commercial", action="store_true", help="refuse parts that may not be used commercially")


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


def shown(pieces: Iterator[np.ndarray], rate: int, quiet: bool) -> Iterator[np.ndarray]:
    """The pieces, while a terminal shows how many seconds of speech there are so far."""
    from tqdm import tqdm

    form = "{n:.0f} s of speech after {elapsed}"
    with tqdm(bar_format=form, leave=False, disable=True if quiet else None) as bar:  # None: where it is no terminal
        for piece in pieces:
            yield piece
            bar.update(len(piece) / rate)

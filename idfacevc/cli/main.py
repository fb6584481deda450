"""The command `idfacevc`: one verb a task, one file a verb."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from idfacevc import __version__
from idfacevc.cli.faults import Terminated, say, status_of, tolerant_streams
from idfacevc.errors import InputError
from idfacevc.signals import raising

VERBS = (
    "convert",
    "batch",
    "voices",
    "cast",
    "face",
    "dub",
    "demo",
    "prepare",
    "train",
    "vocoder",
    "evaluate",
    "detect",
    "serve",
    "download",
    "info",
)


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like any other bad input: in one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"formatter_class": argparse.RawDescriptionHelpFormatter, **kwargs})
        self.allow_abbrev = False

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Returns:
        the exit status: 0; 1 for a failure (a full disk, too little memory) and where a part failed; 2 for bad input;
        130 and 143 for SIGINT and SIGTERM; 141 where who reads the output stopped.
    """
    if argv is None:  # this is the whole process
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads sleep while they wait; read at torch's import
    tolerant_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        with raising(signal.SIGTERM, Terminated):
            status = _run(arguments, debug)
            sys.stdout.flush()
            return status
    except (Exception, KeyboardInterrupt, Terminated) as error:
        return status_of(error, debug)


def _run(arguments: list[str], debug: bool) -> int:
    parser = _parser()
    args, rest = parser.parse_known_args([argument for argument in arguments if argument != "--debug"])
    args.debug = debug
    if args.run is None:
        parser.print_help()
        return 2
    if getattr(args, "passthrough", False):
        args.rest = rest
        return args.run(args)
    if rest:
        raise InputError(f"unrecognized arguments: {' '.join(rest)} (see idfacevc {args.verb} --help)")
    with _plain_messages(debug):
        return args.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="idfacevc",
        description="Face-driven voice: a photo and a recording or a text become speech in a voice that fits the face.",
        epilog="example: idfacevc convert --face photo.jpg --text 'Hello there.' -o hello.wav",
    )
    parser.add_argument("--version", action="version", version=f"idfacevc {__version__}")
    parser.set_defaults(run=None)
    subparsers = parser.add_subparsers(dest="verb", metavar="verb")
    for verb in VERBS:
        importlib.import_module(f"idfacevc.cli.{verb}").add_parser(subparsers)
    for one in [parser, *subparsers.choices.values()]:  # for the help; `main` takes it wherever it stands
        one.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


@contextmanager
def _plain_messages(debug: bool) -> Iterator[None]:
    """Warnings meant for the user as one line each; those of the libraries below only with --debug."""
    from idfacevc.face.detect import FaceWarning

    def show(message: Warning | str, category: type[Warning], *_: Any) -> None:
        say("warning" if issubclass(category, FaceWarning) else category.__name__, str(message))

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("idfacevc: warning: %(message)s"))
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger("idfacevc")
    logger.addHandler(handler)
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
        warnings.simplefilter("always", FaceWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        try:
            yield
        finally:
            logger.removeHandler(handler)


if __name__ == "__main__":
    sys.exit(main())

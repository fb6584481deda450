"""`idfacevc evaluate`: the metrics, tables, figures and listening tests of the method."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

EXAMPLE = "idfacevc evaluate outputs outputs.tsv --out runs/evaluation"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="measure conversions, the paper's tables, listening tests",
        description="Measure conversions, with intervals, floors and ceilings.",
        epilog=f"example: {EXAMPLE}",
    )
    verbs = parser.add_subparsers(dest="what", required=True, metavar="what")
    for add in (
        _add_run,
        _add_outputs,
        _add_demo,
        _add_pairs,
        _add_reproduce,
        _add_figures,
        _add_listening,
        _add_gender,
    ):
        add(verbs).add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )


def _verb(
    verbs: Any, name: str, run: Callable[[argparse.Namespace], int], text: str, example: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example: idfacevc evaluate {name} {example}",
    )
    parser.set_defaults(run=run)
    return parser


def _add_run(verbs: Any) -> argparse.ArgumentParser:
    example = "--checkpoint demo --pairs pairs.tsv --out runs/evaluation"
    parser = _verb(verbs, "run", run_pairs, "convert a list of pairs and measure the result", example)
    _checkpoint(parser)
    parser.add_argument(
        "--pairs", type=Path, required=True, metavar="PAIRS.tsv", help="what to convert (docs/evaluation.md)"
    )
    _tier(parser)
    return _out(parser)


def _add_outputs(verbs: Any) -> argparse.ArgumentParser:
    parser = _verb(
        verbs, "outputs", run_outputs, "measure audio that any system made", "outputs.tsv --out runs/evaluation"
    )
    parser.add_argument("outputs", type=Path, metavar="OUTPUTS.tsv", help="the columns of PAIRS, and output")
    _tier(parser)
    return _out(parser)


def _add_demo(verbs: Any) -> argparse.ArgumentParser:
    example = "--corpora corpora --checkpoint checkpoints/demo --out runs/demo/evaluation"
    parser = _verb(verbs, "demo", run_demo, "measure the demo model on held-out speakers and faces", example)
    _corpora(parser)
    _checkpoint(parser)
    parser.add_argument(
        "--pairing", type=Path, metavar="FILE", help="map from faces to training speakers that training used"
    )
    parser.add_argument(
        "--limit", type=_positive, metavar="N", help="a quick look: N of the 60 sources, the rest in proportion"
    )
    return _out(parser)


def _add_pairs(verbs: Any) -> argparse.ArgumentParser:
    parser = _verb(
        verbs,
        "pairs",
        run_protocol,
        "write the 8 x 8 unseen-speaker test of LRS3 as a list of pairs",
        "--lrs3 lrs3 --out p.tsv",
    )
    parser.add_argument("--lrs3", type=Path, required=True, metavar="DIR", help="folder that holds LRS3's test folder")
    parser.add_argument("--out", type=Path, required=True, metavar="PAIRS.tsv", help="list to write")
    return parser


def _add_reproduce(verbs: Any) -> argparse.ArgumentParser:
    example = "table2 --pairs pairs.tsv --out runs/table2"
    parser = _verb(verbs, "reproduce", run_reproduce, "print the paper's figures beside the measured ones", example)
    parser.add_argument("table", choices=("table2", "table3"))
    parser.add_argument(
        "--pairs", type=Path, metavar="PAIRS.tsv", help="what to convert where a configuration has a checkpoint"
    )
    parser.add_argument(
        "--outputs",
        type=_named_file,
        action="append",
        default=[],
        metavar="ROW=OUTPUTS.tsv",
        help="measure what another system made for a row, for example facetts=outputs.tsv",
    )
    return _out(parser)


def _add_figures(verbs: Any) -> argparse.ArgumentParser:
    example = "--face anna.jpg --face ben.jpg --text 'Hello there.' --out figures"
    parser = _verb(
        verbs, "figures", run_figures, "draw styles, speeds, faces and the way from one face to another", example
    )
    _checkpoint(parser)
    parser.add_argument("--face", action="append", required=True, metavar="IMG", help="repeat for more faces or angles")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--audio", metavar="WAV", help="recording to convert")
    source.add_argument("--text", help="text to speak")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the figures")
    return parser


def _add_listening(verbs: Any) -> argparse.ArgumentParser:
    example = "outputs.tsv --out listening; idfacevc evaluate listening-test --read listening answers-*.json"
    parser = _verb(verbs, "listening-test", run_listening, "make a listening test, or read its answers", example)
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="OUTPUTS.tsv, or with --read the answers that raters saved"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help="folder of the test to write")
    where.add_argument("--read", type=Path, metavar="DIR", help="folder of the test that was answered")
    parser.add_argument(
        "--sets",
        type=_positive,
        default=27,
        metavar="N",
        help="outputs that are asked about (default: 27, the paper's)",
    )
    return parser


def _add_gender(verbs: Any) -> argparse.ArgumentParser:
    text = "train anew the classifier that hears a voice's gender"
    parser = _verb(verbs, "gender-classifier", run_gender, text, "--corpora corpora --out runs/gender")
    _corpora(parser)
    return _out(parser)


def _checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", default="demo", metavar="C", help="name, folder or hub id of the bundle (default: demo)"
    )


def _corpora(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpora", type=Path, required=True, metavar="DIR", help="folder of the demo's real speech and faces"
    )


def _tier(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tier",
        choices=("offline", "paper", "all"),
        default="offline",
        help="which metrics (default: offline, no downloads)",
    )


def _out(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    cores = os.cpu_count() or 1
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the results; a second run continues"
    )
    parser.add_argument(
        "--workers", type=_positive, default=cores, metavar="N", help=f"processes (default: one a core, {cores})"
    )
    return parser


def _named_file(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be ROW=FILE, not {text}")
    return name, Path(path)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def run_pairs(args: argparse.Namespace) -> int:
    from idfacevc.bundles.model import resolve
    from idfacevc.evaluation import run as runner
    from idfacevc.evaluation.conversion import checkpoint_digest
    from idfacevc.evaluation.pairs import read_pairs

    folder = resolve(args.checkpoint)
    pairs = read_pairs(args.pairs)
    _make(args.out)
    converted = runner.convert_pairs(pairs, folder, args.out, _loader(folder), _speak(), args.workers)
    about = {"checkpoint": folder.name, "checkpoint_sha256": checkpoint_digest(folder), "list": args.pairs.name}
    draw = partial(_draw_method, folder, pairs)
    return _report(runner.measure(converted, args.out, args.tier, args.workers, about, draw), args.out)


def _draw_method(checkpoint: Path, pairs: list[Any]) -> dict[str, Any]:
    """The method's figures for the first source of a list: up to three pictures of each of two targets."""
    from idfacevc.evaluation.figures import method_figures

    faces: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.face not in (own := faces.setdefault(pair.target, [])):
            own.append(pair.face)
    shown = [face for own in list(faces.values())[:2] for face in own[:3]]
    return method_figures(_loader(checkpoint)(), shown, pairs[0].source or None, pairs[0].say or None)


def run_outputs(args: argparse.Namespace) -> int:
    from idfacevc.evaluation import run as runner
    from idfacevc.evaluation.pairs import read_outputs

    pairs = read_outputs(args.outputs)
    _make(args.out)
    about = {"checkpoint": "none: the outputs were given", "list": args.outputs.name}
    return _report(runner.measure(runner.Converted(pairs, {}), args.out, args.tier, args.workers, about), args.out)


def _report(sections: dict[str, list[Any]], out: Path) -> int:
    """The tables on stdout, and on stderr what is missing from them."""
    from idfacevc.evaluation.measurement import markdown
    from idfacevc.evaluation.run import missing_lines

    for title, figures in sections.items():
        print(f"{title}\n\n{markdown(figures)}\n")
    print(f"written: {out / 'metrics.json'}, {out / 'scores.csv'}, {out / 'report.html'}")
    for line in missing_lines(sections):
        print(line, file=sys.stderr)
    return 0


def run_demo(args: argparse.Namespace) -> int:
    from idfacevc.bundles.model import resolve
    from idfacevc.cli.recipe import recipe

    folder = resolve(args.checkpoint)
    _make(args.out)
    evaluation = recipe("demo.evaluate.run").DemoEvaluation(
        args.corpora, folder, args.out, _loader(folder), _speak(), args.pairing, args.limit, args.workers
    )
    print(evaluation.run())
    return 0


def run_protocol(args: argparse.Namespace) -> int:
    from idfacevc.evaluation.pairs import write_pairs
    from idfacevc.evaluation.protocols.lrs3 import lrs3_pairs

    pairs = lrs3_pairs(args.lrs3.resolve())
    _make(args.out.parent)
    write_pairs(args.out, pairs)
    print(f"{len(pairs)} pairs in {args.out}")
    return 0


def run_reproduce(args: argparse.Namespace) -> int:
    from idfacevc.bundles.model import available
    from idfacevc.evaluation.pairs import read_pairs
    from idfacevc.evaluation.reproduce import reproduce
    from idfacevc.files import write_whole

    pairs = read_pairs(args.pairs) if args.pairs else None
    _make(args.out)
    table = reproduce(args.table, available(), pairs, args.out, _loader, _speak(), args.workers, dict(args.outputs))
    write_whole(args.out / f"{args.table}.md", f"{table}\n")
    print(table)
    return 0


def run_figures(args: argparse.Namespace) -> int:
    from idfacevc.bundles.model import resolve
    from idfacevc.evaluation.figures import method_figures, png
    from idfacevc.files import write_whole

    system = _loader(resolve(args.checkpoint))()
    _make(args.out)
    for title, figure in method_figures(system, args.face, args.audio, args.text).items():
        path = args.out / f"{title.lower().replace(' ', '_')}.png"
        write_whole(path, png(figure))
        print(path)
    return 0


def run_listening(args: argparse.Namespace) -> int:
    from idfacevc.errors import InputError
    from idfacevc.evaluation import listening
    from idfacevc.evaluation.measurement import markdown
    from idfacevc.evaluation.pairs import read_outputs
    from idfacevc.evaluation.protocols.lrs3 import GenderHearing

    if args.read:
        print(markdown(listening.read_answers(args.read, args.files)))
        return 0
    if len(args.files) > 1:
        raise InputError("a listening test is made from one OUTPUTS.tsv; give --read DIR to read answers")
    pairs = read_outputs(args.files[0])
    judge = GenderHearing()
    genders = {target: judge(Path(clip)) for target, clip in {pair.target: pair.reference for pair in pairs}.items()}
    _make(args.out)
    count = listening.make_test(pairs, genders, args.out, args.sets)
    print(f"{count} questions; open {args.out / 'index.html'} in a browser")
    return 0


def run_gender(args: argparse.Namespace) -> int:
    from idfacevc.cli.recipe import recipe
    from idfacevc.evaluation.measurement import Measurement, markdown
    from idfacevc.evaluation.score_cache import ScoreCache

    _make(args.out)
    gender_classifier = recipe("demo.gender_classifier")
    cache = ScoreCache(args.out / "cache.sqlite")
    classifier = gender_classifier.train(args.corpora, cache, args.workers)
    checks = gender_classifier.check(classifier, args.corpora, cache, args.workers)
    classifier.save(args.out / "voice_gender.yaml")
    print(markdown([Measurement.of(name, check, classifier.trained_on) for name, check in checks.items()]))
    return 0


def _make(folder: Path) -> None:
    """Make the folder of the results; one that cannot be written is found before the work."""
    from idfacevc.errors import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder}: cannot be written")


def _loader(checkpoint: Path) -> Callable[[], Any]:
    """Something that other processes can call to load the bundle."""
    from idfacevc.api import IDFaceVC

    return partial(IDFaceVC.from_pretrained, checkpoint, device="cpu")


def _speak() -> Any:
    """The base speaker that the converter uses for texts."""
    from idfacevc.text.speakers.registry import base_speaker

    return base_speaker("auto").synthesise

"""`idfacevc evaluate`: the metrics, tables, figures and listening tests of the method."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
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
        _add_association,
        _add_speech2face,
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
    _results(parser)
    return _out(parser)


def _add_outputs(verbs: Any) -> argparse.ArgumentParser:
    parser = _verb(
        verbs, "outputs", run_outputs, "measure audio that any system made", "outputs.tsv --out runs/evaluation"
    )
    parser.add_argument("outputs", type=Path, metavar="OUTPUTS.tsv", help="the columns of PAIRS, and output")
    _tier(parser)
    _results(parser)
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
        "--limit", type=_positive, default=12, metavar="N", help="sources of each condition, 60 at most (default: 12)"
    )
    _results(parser)
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


def _add_association(verbs: Any) -> argparse.ArgumentParser:
    text = "measure how well faces and voices of real pairs find each other"
    parser = _verb(verbs, "association", run_association, text, "--pairs pairs.tsv")
    what = parser.add_mutually_exclusive_group(required=True)
    _face_voice_pairs(what)
    what.add_argument("--trials", type=Path, metavar="LIST.txt", help="public list of trials (PINs, CMPC) instead")
    parser.add_argument("--faces", type=Path, default=Path(), metavar="DIR", help="folder of the pictures of --trials")
    parser.add_argument("--voices", type=Path, default=Path(), metavar="DIR", help="folder of their recordings")
    parser.add_argument(
        "--train", type=Path, metavar="PAIRS.tsv", help="train heads on these pairs instead of taking the bundle's"
    )
    parser.add_argument("--checkpoint", default="vclip", metavar="C", help="bundle of Vclip (default: vclip)")
    parser.add_argument("--seed", type=int, default=0, help="of the trials and of a training (default: 0)")
    parser.add_argument(
        "--same-judge", action="store_true", help="score generated voices by the heads that chose them as well"
    )
    return parser


def _add_speech2face(verbs: Any) -> argparse.ArgumentParser:
    text = "measure how near the faces foretold from voices come to the true ones"
    parser = _verb(verbs, "speech2face", run_speech2face, text, "--pairs pairs.tsv")
    _face_voice_pairs(parser, required=True)
    parser.add_argument(
        "--checkpoint", default="speech2face", metavar="C", help="bundle of Speech2Face (default: speech2face)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of galleries and intervals (default: 0)")
    return parser


def _face_voice_pairs(parser: Any, **options: Any) -> None:
    text = "columns face, voice, identity and, where known, gender (f or m)"
    parser.add_argument("--pairs", type=Path, metavar="PAIRS.tsv", help=text, **options)


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


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="keep the figures in FILE, for `make docs`, under the list's name"
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
    from idfacevc.evaluation.run import evaluate_pairs

    sections = evaluate_pairs(args.pairs, args.checkpoint, args.out, args.tier, args.workers, args.results)
    return _print(sections, args.out)


def run_outputs(args: argparse.Namespace) -> int:
    from idfacevc.evaluation.run import evaluate_outputs

    return _print(evaluate_outputs(args.outputs, args.out, args.tier, args.workers, args.results), args.out)


def run_demo(args: argparse.Namespace) -> int:
    from idfacevc.cli.recipe import recipe

    evaluate_demo = recipe("demo.evaluate.run").evaluate_demo
    sections = evaluate_demo(
        args.corpora, args.checkpoint, args.out, args.pairing, args.limit, args.workers, args.results
    )
    return _print(sections, args.out)


def _print(sections: dict[str, list[Any]], out: Path) -> int:
    """The tables on stdout, and on stderr the reasons for what is missing."""
    from idfacevc.evaluation.run import missing_lines, summary

    print(summary(sections, out))
    for line in missing_lines(sections):
        print(line, file=sys.stderr)
    return 0


def run_protocol(args: argparse.Namespace) -> int:
    from idfacevc.evaluation.protocols.lrs3 import write_lrs3_pairs

    print(f"{write_lrs3_pairs(args.lrs3, args.out)} pairs in {args.out}")
    return 0


def run_reproduce(args: argparse.Namespace) -> int:
    from idfacevc.evaluation.reproduce import evaluate_table

    print(evaluate_table(args.table, args.pairs, args.out, args.workers, dict(args.outputs)))
    return 0


def run_figures(args: argparse.Namespace) -> int:
    from idfacevc.evaluation.figures import write_figures

    for path in write_figures(args.checkpoint, args.face, args.out, args.audio, args.text):
        print(path)
    return 0


def run_listening(args: argparse.Namespace) -> int:
    from idfacevc.errors import InputError
    from idfacevc.evaluation import listening
    from idfacevc.evaluation.measurement import markdown

    if args.read:
        print(markdown(listening.read_answers(args.read, args.files)))
        return 0
    if len(args.files) > 1:
        raise InputError("a listening test is made from one OUTPUTS.tsv; give --read DIR to read answers")
    count = listening.write_test(args.files[0], args.out, args.sets)
    print(f"{count} questions; open {args.out / 'index.html'} in a browser")
    return 0


def run_gender(args: argparse.Namespace) -> int:
    from idfacevc.cli.recipe import recipe

    print(recipe("demo.gender_classifier").train_and_check(args.corpora, args.out, args.workers))
    return 0


def run_association(args: argparse.Namespace) -> int:
    import torch

    from idfacevc.errors import InputError
    from idfacevc.evaluation.association import read_face_voice_pairs
    from idfacevc.evaluation.association_heads import association_report, features, trials_report
    from idfacevc.evaluation.protocols.pins import read_trials
    from idfacevc.training.association import small_heads
    from idfacevc.vclip import Vclip

    if args.trials:
        if args.train:
            raise InputError("--train goes with --pairs: a public list says nothing of pictures beside its trials")
        trials = read_trials(args.trials)
        print(trials_report(Vclip.from_pretrained(args.checkpoint), trials, args.faces, args.voices, args.seed))
        return 0
    pairs = read_face_voice_pairs(args.pairs)
    heads = None
    train = read_face_voice_pairs(args.train) if args.train else []
    if shared := sorted({one.identity for one in pairs} & {one.identity for one in train}):
        raise InputError(f"both lists hold {', '.join(shared[:3])}: heads are measured on people they never saw")
    vclip = Vclip.from_pretrained(args.checkpoint)
    if train:
        names = sorted({one.identity for one in train})
        identity = torch.tensor([names.index(one.identity) for one in train])
        heads = small_heads(*features(vclip, train, ""), identity, args.seed)
    print(association_report(vclip, pairs, heads, args.seed, args.same_judge))
    return 0


def run_speech2face(args: argparse.Namespace) -> int:
    from idfacevc.evaluation.association import read_face_voice_pairs
    from idfacevc.evaluation.speech2face import speech2face_report
    from idfacevc.speech2face import Speech2Face

    pairs = read_face_voice_pairs(args.pairs)
    print(speech2face_report(Speech2Face.from_pretrained(args.checkpoint), pairs, args.seed))
    return 0

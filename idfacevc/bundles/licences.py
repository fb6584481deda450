"""Licences of what a configuration would load, and the refusal of what may not be used commercially."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from idfacevc.bundles.model import available_bundles, read_spec, resolve
from idfacevc.config.face import ClipSpec
from idfacevc.config.model import ModelSpec
from idfacevc.errors import InputError
from idfacevc.text.speakers import registry


@dataclass(frozen=True)
class Licence:
    """Licence of one thing: part that it belongs to, what it is, its terms, and whether commercial use is allowed."""

    part: str
    what: str
    terms: str
    commercial: bool


def licences(checkpoint: str, vocoder: str | None, base_speaker: str | None) -> list[Licence]:
    """Licences of all that a conversion with these options loads, or the drawing of faces for voices.

    What nobody stated counts as not allowed.

    Args:
        checkpoint: Name, folder or hub id of a bundle.
        vocoder: Folder, "griffin-lim", or None for the bundle's own.
        base_speaker: Name, folder or file; None where no text is spoken.
    Raises:
        InputError: for a checkpoint that is not here.
    """
    if checkpoint in available_bundles("speech2face"):  # draws faces, and converts nothing
        parts = ["idfacevc", "packages", f"checkpoint {checkpoint}", "face backbone tower"]
    else:
        spec = read_spec(resolve(checkpoint))
        parts = ["idfacevc", "packages", "watermark perth", f"checkpoint {spec.name}", _backbone(spec.model)]
        if vocoder is not None:
            parts.append(f"vocoder {vocoder}")
        if base_speaker is not None:
            parts += ["checkpoint vclip", f"base speaker {_speaker(base_speaker)}"]  # a text may get a generated voice
    table = yaml.safe_load(files("idfacevc.bundles").joinpath("licences.yaml").read_text(encoding="utf-8"))
    unstated = [["weights", "not stated", False]]
    return [Licence(part, *row) for part in parts for row in table.get(part, unstated)]


def check_commercial(checkpoint: str, vocoder: str | None, base_speaker: str | None) -> None:
    """`InputError` naming every part of `licences` that may not be used commercially."""
    found = licences(checkpoint, vocoder, base_speaker)
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
        return registry.base_speaker(given).name
    return given if "/" not in given and not Path(given).exists() else str(given)

"""Configurations of bundle format 1, in which one class held the options of all kinds of a part."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from idfacevc.config.model import ModelSpec
from idfacevc.config.vocoder import VocoderSpec

# options of format 1 that are no part of the network any more
_GONE = {"memory": {"learnable_scale"}, "content": {"context", "cpc_steps", "negatives"}}
_RENAMED = {"equation_exact": "paper_equations_only"}


def up_to_date(values: Any) -> Any:
    """A `config.json` of format 1 as format 2 has it; others stay as they are."""
    if not isinstance(values, dict) or values.get("format") != 1:
        return values
    values = values | {"format": 2}
    if isinstance(values.get("model"), dict):
        values["model"] = model_of_format_1(values["model"])
    if isinstance(values.get("vocoder"), dict):
        values["vocoder"] = _of_its_kind(values["vocoder"], typing.get_args(VocoderSpec), set())
    return values


def model_of_format_1(model: dict[str, Any]) -> dict[str, Any]:
    """Plain values of a `ModelSpec`; those of format 2 stay as they are."""
    face = model.get("face")
    if not isinstance(face, dict) or isinstance(face.get("backbone", {}), dict):
        return model
    hints = typing.get_type_hints(ModelSpec)
    changed = {
        part: _of_its_kind(_speech_sizes(part, options, model), typing.get_args(hints[part]), _GONE.get(part, set()))
        for part, options in model.items()
        if part in ("face_head", "speech", "content", "pitch", "memory", "decoder") and isinstance(options, dict)
    }
    return {**model, **changed, "face": _face(face)}


def _of_its_kind(options: dict[str, Any], kinds: tuple[Any, ...], gone: set[str]) -> dict[str, Any]:
    """Without the options of other kinds; unknown ones stay, for the reader to refuse them."""
    options = {_RENAMED.get(key, key): value for key, value in options.items()}
    if "transform" in options:
        lifter = {key: options.pop(key) for key in ("cutoff", "basis") if key in options}
        options["lifter"] = lifter if options.pop("transform") == "dct_lowpass" else None
    names = {kind.kind: {field.name for field in dataclasses.fields(kind)} for kind in kinds}
    foreign = set().union(gone, *names.values()) - names.get(options.get("kind", kinds[0].kind), set())
    return {key: value for key, value in options.items() if key not in foreign}


def _speech_sizes(part: str, options: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """The speech branch with the sizes that it took from the face head."""
    if part != "speech" or options.get("kind", "clap_safpq") != "clap_safpq":
        return options
    head = model.get("face_head") or {}
    return {**options, **{key: head[key] for key in ("heads", "ffn_dim", "dropout") if key in head}}


def _face(face: dict[str, Any]) -> dict[str, Any]:
    own = {
        "clip": ("name", "revision", "layer", "drop_cls"),
        "facenet": ("name",),
    }
    rest = {key: value for key, value in face.items() if key not in (*own["clip"], "backbone", "tower")}
    kind = face["backbone"]
    sizes = face.get("tower") or {} if kind == "tower" else {key: face[key] for key in own.get(kind, ()) if key in face}
    return {**rest, "backbone": {"kind": kind, **sizes}}

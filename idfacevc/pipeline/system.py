"""Which system speaks: the converter (ID-FaceVC) or a synthesiser in a generated voice (Vclip)."""

from __future__ import annotations

import logging
from typing import Any

from idfacevc.bundles import model as checkpoints
from idfacevc.errors import InputError
from idfacevc.text.speakers import kokoro

logger = logging.getLogger(__name__)

VCLIP = "vclip"  # name of Vclip's default bundle

# options that only the converter has, with their defaults; whoever gives one means the converter
_OF_CONVERTER: dict[str, Any] = {
    "checkpoint": checkpoints.DEFAULT,
    "device": "cpu",
    "vocoder": None,
    "base_speaker": "auto",
    "speaker": 0,
}


def choose_system(system: str, text: str | None, options: dict[str, Any]) -> str:
    """Which system speaks: "vclip" or "idfacevc".

    Args:
        system: "vclip", "idfacevc", or "auto": Vclip where it can speak the text and no option is given that only the
            converter has.
        text: Words to say; None for a recording.
        options: Options of `api.convert`.
    Raises:
        InputError: for an unknown system, and for Vclip where it cannot speak.
    """
    if system not in ("auto", "vclip", "idfacevc"):
        raise InputError(f"unknown system {system!r}; there are: auto, vclip, idfacevc")
    if system == "idfacevc" or (text is None and system == "auto"):
        return "idfacevc"
    given = [name for name, usual in _OF_CONVERTER.items() if options.get(name, usual) != usual]
    reason = "a recording is converted by idfacevc" if text is None else None
    reason = reason or (f"{given[0]} is an option of idfacevc" if given else None)
    reason = reason or obstacle(options.get("language", "en"))
    if reason and system == "vclip":
        raise InputError(f"system vclip: {reason}")
    chosen = "idfacevc" if reason else "vclip"
    logger.info("system: %s%s", chosen, f" ({reason})" if reason else "")
    return chosen


def obstacle(language: str = "en") -> str | None:
    """Why Vclip cannot speak here, in one line; None where it can."""
    if language.lower().split("-")[0] != "en":
        return "generated voices speak English only"
    if VCLIP not in checkpoints.available_bundles("vclip"):
        return f"no bundle {VCLIP} on this machine"
    if not kokoro.available():
        return f"Kokoro is not on this machine: {kokoro.INSTALL}"
    return None

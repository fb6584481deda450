"""The base speaker of a name, and the best one whose weights are here."""

from __future__ import annotations

import logging
from pathlib import Path

from idfacevc.errors import InputError
from idfacevc.text.speakers.base import BaseSpeaker

logger = logging.getLogger(__name__)


NAMES = ("openvoice", "vits", "espeak")  # "auto" takes the first that is present


def base_speaker(
    name: str = "auto", language: str = "en", folder: str | Path | None = None, speaker: int = 0
) -> BaseSpeaker:
    """The base speaker of that name, loaded from this machine; no network is used.

    Args:
        name: "espeak", "vits", "openvoice", or "auto" for the best one whose weights are here, which is logged.
        language: code such as "en" or "de".
        folder: of the weights of "vits" or "openvoice", or a hub id of the former; else the hub's cache is looked at.
        speaker: of a multi-speaker "vits", counted from 0.

    Raises:
        InputError: for an unknown name, a language that the speaker lacks, or weights that are not here.
    """
    if name == "auto":
        name = _best(language, folder)
        logger.info("base speaker: %s", name)
    if name == "espeak":
        from idfacevc.text.espeak import EspeakSpeaker

        return EspeakSpeaker(language)
    if name == "vits":
        from idfacevc.text.speakers import vits

        known = vits.sources(language)
        source = folder or next(filter(_in_cache, known), known[0])
        return vits.VitsSpeaker(source, language, speaker)
    if name == "openvoice":
        from idfacevc.text.speakers.openvoice import speaker as openvoice

        if language.lower().split("-")[0] not in openvoice.OpenVoiceSpeaker.languages:
            raise InputError(f"base speaker openvoice has no language {language!r}; it has: en")
        return openvoice.OpenVoiceSpeaker(folder or openvoice.cached_folder())
    raise InputError(f"unknown base speaker {name!r}; there are: auto, {', '.join(NAMES)}")


def _best(language: str, folder: str | Path | None) -> str:
    """The name of the best speaker that can be loaded from `folder`, or from the hub's cache without one."""
    from idfacevc.text.speakers import vits
    from idfacevc.text.speakers.openvoice import speaker as openvoice

    if folder is not None:
        return "openvoice" if (Path(folder) / "checkpoint.pth").exists() else "vits"
    if language.lower().split("-")[0] == "en" and all(_in_cache(openvoice.HUB, file) for file in openvoice.HUB_FILES):
        return "openvoice"
    return "vits" if any(map(_in_cache, vits.sources(language))) else "espeak"


def _in_cache(repository: str, file: str = "model.safetensors") -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, file), str)

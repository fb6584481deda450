"""The base speaker of a name, and the best one whose weights are here."""

from __future__ import annotations

import logging
from pathlib import Path

from idfacevc.errors import InputError
from idfacevc.text.speakers.base import BaseSpeaker

logger = logging.getLogger(__name__)

NAMES = (
    "openvoice",
    "vits",
    "kokoro",
    "piper",
    "espeak",
)  # "auto" takes the first that is present


def base_speaker(
    name: str = "auto", language: str = "en", folder: str | Path | None = None, speaker: int = 0
) -> BaseSpeaker:
    """The base speaker of that name, loaded from this machine; no network is used.

    Args:
        name: one of `NAMES`, or "auto" for the best one whose weights are here, which is logged.
        language: code such as "en" or "de".
        folder: the weights of "vits" or "openvoice", or a hub id of the former; the .onnx file of a Piper voice or of
            Kokoro. Without it the packages and the hub's cache are looked at.
        speaker: number in a "vits" or "piper" with several speakers, from 0.

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
    if name == "piper":
        from idfacevc.text.speakers.piper import PiperSpeaker

        piper = PiperSpeaker(folder, speaker)
        _check_language(piper, language)
        return piper
    if name == "kokoro":
        from idfacevc.text.speakers.kokoro import KokoroSpeaker

        kokoro = KokoroSpeaker(weights=folder)
        _check_language(kokoro, language)
        return kokoro
    raise InputError(f"unknown base speaker {name!r}; there are: auto, {', '.join(NAMES)}")


def _best(language: str, folder: str | Path | None) -> str:
    """The name of the best speaker that can be loaded from `folder`, or from this machine without one."""
    from idfacevc.text.speakers import kokoro, piper, vits
    from idfacevc.text.speakers.openvoice import speaker as openvoice

    if folder is not None and Path(folder).suffix == ".onnx":
        return "piper"
    if folder is not None:
        return "openvoice" if (Path(folder) / "checkpoint.pth").exists() else "vits"
    if language.lower().split("-")[0] == "en" and all(_in_cache(openvoice.HUB, file) for file in openvoice.HUB_FILES):
        return "openvoice"
    if any(map(_in_cache, vits.sources(language))):
        return "vits"
    if language.lower().split("-")[0] != "en":
        return "espeak"
    # Piper is several times as fast, but the voice of its package creaks, and a tracker's octave errors are heard
    return "kokoro" if kokoro.available() else "piper" if piper.available() else "espeak"


def _check_language(speaker: BaseSpeaker, language: str) -> None:
    if language.lower().split("-")[0] not in speaker.languages:
        known = ", ".join(speaker.languages)
        raise InputError(f"base speaker {speaker.name} has no language {language!r}; it has: {known}")


def _in_cache(repository: str, file: str = "model.safetensors") -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, file), str)

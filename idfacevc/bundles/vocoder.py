"""A vocoder of its own: a folder with `config.json` (front end, sizes, statistics) and `vocoder.safetensors`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from idfacevc.bundles.model import CONFIG_FILE, VOCODER_FILE, load_generator, read_config, write_config
from idfacevc.bundles.tensors import save_tensors
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GriffinLimSpec, VocoderSpec
from idfacevc.errors import InputError
from idfacevc.files import replacing
from idfacevc.vocoders.base import Vocoder, check_front_ends
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from idfacevc.vocoders.registry import build_vocoder
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator

GRIFFIN_LIM = "griffin-lim"


@dataclass(frozen=True)
class VocoderBundleSpec:
    """`config.json` of a vocoder's folder.

    Attributes:
        name: Name of the vocoder in reports.
        vocoder: Sizes, front end and statistics.
        format: Of this file; files of format 1 are read as well, other numbers are refused.
        steps: Steps of the training that it comes from.
    """

    name: str
    vocoder: VocoderSpec
    format: Literal[2] = 2
    steps: int = 0


def save_vocoder(folder: Path, spec: VocoderBundleSpec, generator: Generator) -> None:
    """Write a vocoder's folder, `config.json` last; the generator's weight norm is removed."""
    generator.remove_weight_norm()
    with replacing(folder / CONFIG_FILE) as config, replacing(folder / VOCODER_FILE) as weights:
        save_tensors(generator, weights)
        write_config(spec, config)


def load_vocoder(
    source: str | os.PathLike[str], front_end: FrontEndSpec | None = None, device: torch.device | str = "cpu"
) -> Vocoder:
    """A vocoder by its folder, or "griffin-lim".

    Args:
        source: Folder of the vocoder, or "griffin-lim", which needs no weights.
        front_end: Front end of the mels that it will be given. Statistics need not agree: mels come as they are.
        device: Device of the network.

    Raises:
        InputError: for a folder that holds no such vocoder, and for mels of another kind than it reads.
    """
    if source == GRIFFIN_LIM:
        return build_vocoder(GriffinLimSpec(front_end=front_end or FrontEndSpec()), device)
    spec, generator = read_vocoder(source, front_end)
    return build_vocoder(spec, device, generator)


def read_vocoder(
    source: str | os.PathLike[str], front_end: FrontEndSpec | None = None
) -> tuple[VocoderSpec, Generator | SourceFilterGenerator]:
    """What a vocoder's folder holds; `front_end` and errors as of `load_vocoder`."""
    folder = Path(source)
    if not (folder / CONFIG_FILE).is_file():
        raise InputError(f"vocoder {folder}: is neither {GRIFFIN_LIM} nor a folder with a {CONFIG_FILE}")
    spec = read_config(VocoderBundleSpec, folder / CONFIG_FILE).vocoder
    if front_end is not None:
        check_front_ends(front_end, spec.front_end)
    generator = load_generator(spec, folder)
    if generator is None:
        raise InputError(f"vocoder {folder}: its {CONFIG_FILE} describes one without weights; give {GRIFFIN_LIM}")
    return spec, generator

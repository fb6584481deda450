"""The weights of the paper tier: how large they are, and fetching them to where the metrics look for them."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from idfacevc.bundles.weights import WeightsFile, clear_errors
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics import utmos
from idfacevc.evaluation.metrics.base import Unavailable, require
from idfacevc.evaluation.metrics.recognition import WHISPER, whisper_file


def paper_weights() -> list[WeightsFile]:
    """Weights of the paper tier. Fetches the code of UTMOS, some kilobytes, where it is missing: it names its weights.

    Raises:
        InputError: where a package is missing or the code cannot be fetched.
    """
    try:
        require("openai-whisper", "whisper")
        require("torchaudio")
    except Unavailable as reason:
        raise InputError(str(reason)) from reason
    import whisper

    address = whisper._MODELS[WHISPER]  # .../<sha256>/<file>
    return [
        WeightsFile(f"Whisper {WHISPER}", address, whisper_file(WHISPER), address.split("/")[-2]),
        _utmos(),
    ]


def _utmos() -> WeightsFile:
    import torch

    name = f"UTMOS ({utmos.REPOSITORY})"
    if utmos.weights_address() is None:
        # What torch.hub says on stdout is no part of the list of sizes.
        with clear_errors(name), utmos.own_speechmos(), redirect_stdout(io.StringIO()):
            torch.hub.list(utmos.REPOSITORY, skip_validation=True, trust_repo=True, verbose=False)
    address = utmos.weights_address()
    if address is None:
        raise InputError(f"{name}: its code in {utmos.code_folder()} names no weights; delete that folder")
    return WeightsFile(name, address, utmos.weights_file(address))

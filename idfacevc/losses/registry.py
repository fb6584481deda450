"""The losses that a configuration can name. A new loss is a file beside this one and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from torch import nn

from idfacevc.config.reader import construct
from idfacevc.errors import InputError
from idfacevc.losses.adversarial import AdversarialLoss
from idfacevc.losses.codes import CodeLoss
from idfacevc.losses.contrastive import ContrastiveLoss
from idfacevc.losses.cpc import PredictiveCodingLoss
from idfacevc.losses.ge2e import GE2ELoss
from idfacevc.losses.identity import FaceIdentityLoss, SpeechIdentityLoss
from idfacevc.losses.inter_speaker import InterSpeakerLoss
from idfacevc.losses.memory import MemoryAddressLoss, MemoryRecallLoss
from idfacevc.losses.mutual_information import MutualInformationLoss
from idfacevc.losses.quantisation import VectorQuantisationLoss
from idfacevc.losses.reconstruction import ReconstructionLoss
from idfacevc.losses.register import RegisterLoss
from idfacevc.losses.term import LossTerm

LOSSES: dict[str, type[LossTerm]] = {
    "reconstruction": ReconstructionLoss,
    "contrastive": ContrastiveLoss,
    "mutual_information": MutualInformationLoss,
    "identity_face": FaceIdentityLoss,
    "identity_speech": SpeechIdentityLoss,
    "memory_recall": MemoryRecallLoss,
    "memory_address": MemoryAddressLoss,
    "inter_speaker": InterSpeakerLoss,
    "vector_quantisation": VectorQuantisationLoss,
    "predictive_coding": PredictiveCodingLoss,
    "register": RegisterLoss,
    "codes": CodeLoss,
    "ge2e": GE2ELoss,
    "adversarial": AdversarialLoss,
}

Losses = dict[str, dict[str, Any] | None]
"""Names of losses and their options. A loss that is absent, or None, is off."""


def build_losses(losses: Mapping[str, Mapping[str, Any] | None]) -> nn.ModuleDict:
    """The terms of a training's loss, in the order given.

    Args:
        losses: Options by name: those of the class in `LOSSES`, or, with `class_path`, those of that class.
    Raises:
        InputError: for an unknown loss or option.
    """
    terms = nn.ModuleDict()
    for name, options in losses.items():
        if options is not None:
            if not isinstance(options, Mapping):
                raise InputError(f"losses.{name}: expected a mapping, got {options!r}")
            cls, arguments = _class_of(name, dict(options))
            terms[name] = construct(cls, arguments, f"losses.{name}")
    return terms


def _class_of(name: str, options: dict[str, Any]) -> tuple[type[LossTerm], dict[str, Any]]:
    path = options.pop("class_path", None)
    if path is None:
        if name not in LOSSES:
            raise InputError(f"losses.{name}: unknown loss; known are {', '.join(LOSSES)}, or give a class_path")
        return LOSSES[name], options
    module, _, attribute = str(path).rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"losses.{name}: {path} cannot be imported ({error})") from error
    if not (isinstance(cls, type) and issubclass(cls, LossTerm)):
        raise InputError(f"losses.{name}: {path} is no LossTerm")
    return cls, options

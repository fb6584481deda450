"""Decoders: content, pitch and voice become a mel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LstmDecoderSpec:
    """Decoder of the paper, AutoVC's with VQMIVC's sizes; it reads the voice as further channels."""

    kind: Literal["lstm"] = "lstm"
    pre_lstm: int = 512
    conv: int = 512
    convs: int = 3
    kernel: int = 5
    lstm: int = 1024
    lstm_layers: int = 2
    postnet: int = 512
    postnet_layers: int = 5


@dataclass(frozen=True)
class ModulatedDecoderSpec:
    """Dilated convolutions, `conv` wide, each scaled and shifted by the voice; then the postnet."""

    kind: Literal["modulated"] = "modulated"
    blocks: int = 9
    conv: int = 512
    kernel: int = 5
    postnet: int = 512
    postnet_layers: int = 5


@dataclass(frozen=True)
class ConvNeXtDecoderSpec:
    """ConvNeXt blocks, `conv` and `hidden` wide, modulated likewise.

    Attributes:
        early_blocks: Blocks after which the mel before refinement is read.
    """

    kind: Literal["convnext"] = "convnext"
    blocks: int = 9
    early_blocks: int = 5
    conv: int = 512
    hidden: int = 512
    kernel: int = 5


DecoderSpec = LstmDecoderSpec | ModulatedDecoderSpec | ConvNeXtDecoderSpec

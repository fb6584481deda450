"""Sizes of an OpenVoice base speaker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VitsSizes:
    """The `model` entry of an OpenVoice configuration, with the vocabulary and the number of speakers."""

    symbols: int
    n_speakers: int
    inter_channels: int
    hidden_channels: int
    filter_channels: int
    n_heads: int
    n_layers: int
    kernel_size: int
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    upsample_rates: tuple[int, ...]
    upsample_initial_channel: int
    upsample_kernel_sizes: tuple[int, ...]
    gin_channels: int

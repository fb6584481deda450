"""Decoders: content, pitch and voice to a mel (`config.DecoderSpec`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.decoder import ConvNeXtDecoderSpec, DecoderSpec, LstmDecoderSpec, ModulatedDecoderSpec
from idfacevc.nn.conv_stream import ConvStream
from idfacevc.nn.convnext import ConvNeXtBlock


def _conv(in_channels: int, out_channels: int, kernel: int, gain: Literal["relu", "tanh", "linear"]) -> nn.Sequential:
    conv = nn.Conv1d(in_channels, out_channels, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(conv.weight, nn.init.calculate_gain(gain))
    return nn.Sequential(conv, nn.BatchNorm1d(out_channels))


class Postnet(nn.Module):
    """Residual refinement of a mel. Shape: (B, M, T) -> (B, M, T), to be added."""

    def __init__(self, n_mels: int, channels: int, layers: int, kernel: int) -> None:
        super().__init__()
        widths = [n_mels] + [channels] * (layers - 1) + [n_mels]
        self.layers = nn.ModuleList(
            _conv(widths[i], widths[i + 1], kernel, "tanh" if i < layers - 1 else "linear") for i in range(layers)
        )

    def forward(self, mel: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            mel = torch.tanh(layer(mel))
        return self.layers[-1](mel)


class LstmDecoder(nn.Module):
    """LSTM, convolutions, LSTM, linear, postnet; the voice comes as channels of every frame (AutoVC, VQMIVC).

    Shape: frames (B, T, in_dim), voice (B, D) -> normalised mel before and after the postnet, each (B, M, T).
    """

    def __init__(self, spec: LstmDecoderSpec, in_dim: int, voice_dim: int, n_mels: int) -> None:
        super().__init__()
        self.spec = spec
        self.pre = nn.LSTM(in_dim + voice_dim, spec.pre_lstm, batch_first=True)
        widths = [spec.pre_lstm] + [spec.conv] * spec.convs
        layers: list[nn.Module] = []
        for i in range(spec.convs):
            layers += [_conv(widths[i], widths[i + 1], spec.kernel, "relu"), nn.ReLU()]
        self.convs = nn.Sequential(*layers)
        self.lstm = nn.LSTM(spec.conv, spec.lstm, spec.lstm_layers, batch_first=True)
        self.project = nn.Linear(spec.lstm, n_mels)
        nn.init.xavier_uniform_(self.project.weight)
        self.postnet = Postnet(n_mels, spec.postnet, spec.postnet_layers, spec.kernel)

    def forward(self, frames: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        hidden, _ = self.pre(_with_voice(frames, voice))
        hidden = self.convs(hidden.transpose(1, 2)).transpose(1, 2)
        hidden, _ = self.lstm(hidden)
        pre = self.project(hidden).transpose(1, 2)
        return pre, pre + self.postnet(pre)

    def stream(self, pieces: Iterable[Tensor], voice: Tensor) -> Iterator[Tensor]:
        """The refined mel of frames that arrive in pieces (B, T_i, in_dim), equal to one pass over their sequence.

        Recurrent states are carried on and convolutions keep their context, so memory does not grow with length.
        """
        half = self.spec.kernel // 2
        convs = ConvStream(self.convs, half * self.spec.convs)
        postnet = ConvStream(lambda mel: mel + self.postnet(mel), half * self.spec.postnet_layers)
        pre_state: tuple[Tensor, Tensor] | None = None
        state: tuple[Tensor, Tensor] | None = None
        for piece, last in _mark_last(pieces):
            hidden, pre_state = self.pre(_with_voice(piece, voice), pre_state)
            convolved = convs.push(hidden.transpose(1, 2), last)
            if convolved is None:
                continue
            hidden, state = self.lstm(convolved.transpose(1, 2), state)
            mel = postnet.push(self.project(hidden).transpose(1, 2), last)
            if mel is not None:
                yield mel


class ModulatedBlock(nn.Module):
    """Residual dilated convolution, scaled and shifted by the voice. Shape: (B, C, T), (B, D) -> (B, C, T).

    The norm is over the channels of one frame: it sees no other frame, so that a stream equals one pass.
    """

    def __init__(self, channels: int, kernel: int, dilation: int, voice_dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2 * dilation, dilation=dilation)
        self.modulation = nn.Linear(voice_dim, 2 * channels)
        self.out = nn.Conv1d(channels, channels, 1)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, voice: Tensor) -> Tensor:
        hidden = self.conv(x)
        hidden = hidden * torch.rsqrt(hidden.square().mean(dim=1, keepdim=True) + 1e-5)
        scale, shift = self.modulation(voice)[..., None].chunk(2, dim=1)
        return x + self.out(F.gelu(hidden * (1 + scale) + shift))


class ModulatedDecoder(nn.Module):
    """Dilated convolutions that the voice modulates, then the postnet.

    Shape: frames (B, T, in_dim), voice (B, D) -> normalised mel before and after the postnet, each (B, M, T).
    """

    def __init__(self, spec: ModulatedDecoderSpec, in_dim: int, voice_dim: int, n_mels: int) -> None:
        super().__init__()
        dilations = [2 ** (i % 3) for i in range(spec.blocks)]
        self.enter = nn.Conv1d(in_dim, spec.conv, 1)
        self.blocks = nn.ModuleList(ModulatedBlock(spec.conv, spec.kernel, d, voice_dim) for d in dilations)
        self.project = nn.Conv1d(spec.conv, n_mels, 1)
        self.postnet = Postnet(n_mels, spec.postnet, spec.postnet_layers, spec.kernel)
        self.reach = spec.kernel // 2 * (sum(dilations) + spec.postnet_layers)

    def forward(self, frames: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.enter(frames.transpose(1, 2))
        for block in self.blocks:
            hidden = block(hidden, voice)
        pre = self.project(hidden)
        return pre, pre + self.postnet(pre)

    def stream(self, pieces: Iterable[Tensor], voice: Tensor) -> Iterator[Tensor]:
        """The refined mel of frames that arrive in pieces (B, T_i, in_dim), equal to one pass, in bounded memory."""
        return _stream(self, pieces, voice)


class ConvNeXtDecoder(nn.Module):
    """ConvNeXt blocks that the voice modulates; the mel before refinement is read off an earlier block.

    Shape: frames (B, T, in_dim), voice (B, D) -> normalised mel before and after refinement, each (B, M, T).
    """

    def __init__(self, spec: ConvNeXtDecoderSpec, in_dim: int, voice_dim: int, n_mels: int) -> None:
        super().__init__()
        self.early = spec.early_blocks
        dilations = [2 ** (i % 3) for i in range(spec.blocks)]
        self.enter = nn.Linear(in_dim, spec.conv)
        self.condition = nn.Sequential(nn.Linear(voice_dim, spec.conv), nn.GELU())
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(spec.conv, spec.hidden, spec.kernel, dilation, spec.conv) for dilation in dilations
        )
        self.project = nn.Sequential(nn.LayerNorm(spec.conv), nn.Linear(spec.conv, n_mels))
        self.refine = nn.Sequential(nn.LayerNorm(spec.conv), nn.Linear(spec.conv, n_mels))
        self.reach = spec.kernel // 2 * sum(dilations)

    def forward(self, frames: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        condition = self.condition(voice * voice.shape[-1] ** 0.5)  # voices are unit vectors: to unit variance
        hidden = self.enter(frames)
        for block in self.blocks[: self.early]:
            hidden = block(hidden, condition)
        pre = self.project(hidden)
        for block in self.blocks[self.early :]:
            hidden = block(hidden, condition)
        return pre.transpose(1, 2), (pre + self.refine(hidden)).transpose(1, 2)

    def stream(self, pieces: Iterable[Tensor], voice: Tensor) -> Iterator[Tensor]:
        """The refined mel of frames that arrive in pieces (B, T_i, in_dim), equal to one pass, in bounded memory."""
        return _stream(self, pieces, voice)


def decoder(
    spec: DecoderSpec, in_dim: int, voice_dim: int, n_mels: int
) -> LstmDecoder | ModulatedDecoder | ConvNeXtDecoder:
    """The decoder that `spec.kind` names."""
    if spec.kind == "lstm":
        return LstmDecoder(spec, in_dim, voice_dim, n_mels)
    if spec.kind == "modulated":
        return ModulatedDecoder(spec, in_dim, voice_dim, n_mels)
    return ConvNeXtDecoder(spec, in_dim, voice_dim, n_mels)


def _stream(decoder: ModulatedDecoder | ConvNeXtDecoder, pieces: Iterable[Tensor], voice: Tensor) -> Iterator[Tensor]:
    stream = ConvStream(lambda frames: decoder(frames.transpose(1, 2), voice)[1], decoder.reach)
    for piece, last in _mark_last(pieces):
        mel = stream.push(piece.transpose(1, 2), last)
        if mel is not None:
            yield mel


def _with_voice(frames: Tensor, voice: Tensor) -> Tensor:
    return torch.cat([frames, voice[:, None].expand(-1, frames.shape[1], -1).to(frames.dtype)], dim=-1)


def _mark_last(pieces: Iterable[Tensor]) -> Iterator[tuple[Tensor, bool]]:
    iterator = iter(pieces)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current, following is None
        current = following

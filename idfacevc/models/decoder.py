"""AutoVC-style decoder with postnet (VQMIVC sizes)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from idfacevc.config import DecoderSpec
from idfacevc.nn.streaming import ConvStream


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


class Decoder(nn.Module):
    """LSTM, convolutions, LSTM, linear, postnet.

    Shape: features (B, T, in_dim) -> normalised mel before and after the postnet, each (B, M, T).
    """

    def __init__(self, spec: DecoderSpec, in_dim: int, n_mels: int) -> None:
        super().__init__()
        self.spec = spec
        self.pre = nn.LSTM(in_dim, spec.pre_lstm, batch_first=True)
        widths = [spec.pre_lstm] + [spec.conv] * spec.convs
        layers: list[nn.Module] = []
        for i in range(spec.convs):
            layers += [_conv(widths[i], widths[i + 1], spec.kernel, "relu"), nn.ReLU()]
        self.convs = nn.Sequential(*layers)
        self.lstm = nn.LSTM(spec.conv, spec.lstm, spec.lstm_layers, batch_first=True)
        self.project = nn.Linear(spec.lstm, n_mels)
        nn.init.xavier_uniform_(self.project.weight)
        self.postnet = Postnet(n_mels, spec.postnet, spec.postnet_layers, spec.kernel)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden, _ = self.pre(features)
        hidden = self.convs(hidden.transpose(1, 2)).transpose(1, 2)
        hidden, _ = self.lstm(hidden)
        pre = self.project(hidden).transpose(1, 2)
        return pre, pre + self.postnet(pre)

    def stream(self, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
        """The refined mel of features that arrive in pieces (B, T_i, in_dim), equal to one pass over their sequence.

        Recurrent states are carried on and convolutions keep their context, so memory does not grow with length.
        """
        half = self.spec.kernel // 2
        convs = ConvStream(self.convs, half * self.spec.convs)
        postnet = ConvStream(lambda mel: mel + self.postnet(mel), half * self.spec.postnet_layers)
        pre_state: tuple[Tensor, Tensor] | None = None
        state: tuple[Tensor, Tensor] | None = None
        for piece, last in _mark_last(pieces):
            hidden, pre_state = self.pre(piece, pre_state)
            convolved = convs.push(hidden.transpose(1, 2), last)
            if convolved is None:
                continue
            hidden, state = self.lstm(convolved.transpose(1, 2), state)
            mel = postnet.push(self.project(hidden).transpose(1, 2), last)
            if mel is not None:
                yield mel


def _mark_last(pieces: Iterable[Tensor]) -> Iterator[tuple[Tensor, bool]]:
    iterator = iter(pieces)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current, following is None
        current = following

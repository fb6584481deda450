"""The voice encoder of Speech2Face: convolutions, an average over all time, two linear layers."""

from __future__ import annotations

from torch import Tensor, nn

CHANNELS = (64, 64, 128, 128, 128, 256, 512, 512, 512)
_KERNEL = 4
_POOLED = (2, 3, 4, 5)  # layers, from 0, after which time is halved
_STRIDED = (7, 8)  # layers that halve both axes
BINS = 257


class VoiceEncoder(nn.Module):
    """Face features of speech. Shape: (B, 2, 257, T) -> (B, outputs), T = 598.

    Args:
        outputs: length of the face features; 4096 for VGG-Face.
        hidden: units of the first linear layer.
        divisor: of all channels, for a smaller network.
        final_relu: whether the last layer ends in a ReLU, as its target does; the sources differ.
    """

    def __init__(self, outputs: int = 4096, hidden: int = 4096, divisor: int = 1, final_relu: bool = False) -> None:
        super().__init__()
        channels = [count // divisor for count in CHANNELS]
        layers: list[nn.Module] = []
        bins = BINS
        for index, (into, out) in enumerate(zip([2, *channels], channels, strict=False)):
            stride = 2 if index in _STRIDED else 1
            bins = (bins - _KERNEL) // stride + 1
            parts: list[nn.Module] = [nn.Conv2d(into, out, _KERNEL, stride)]
            if index == len(channels) - 1:
                parts.append(AverageOverTime())
            parts += [nn.ReLU(), nn.BatchNorm2d(out)]
            if index in _POOLED:
                parts.append(nn.MaxPool2d((2, 1)))
            layers.append(nn.Sequential(*parts))
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(channels[-1] * bins, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
        if final_relu:
            self.head.append(nn.ReLU())

    def forward(self, spectrogram: Tensor) -> Tensor:
        return self.head(self.layers(spectrogram.transpose(2, 3)).flatten(1))


class AverageOverTime(nn.Module):
    """Shape: (B, C, T, F) -> (B, C, 1, F)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=2, keepdim=True)

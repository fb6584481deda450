"""The voice encoder of Speech2Face: convolutions, an average over all time, two linear layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from idfacevc.models.speech2face.front_end import BANDS, BINS, log_mel, spectrogram
from idfacevc.models.speech2face.speaker import SpeakerVoiceEncoder, SpeakerVoiceSpec

CHANNELS = (64, 64, 128, 128, 128, 256, 512, 512, 512)
_KERNEL = 4
_POOLED = (2, 3, 4, 5)  # layers, from 0, after which time is halved
_STRIDED = (7, 8)  # layers that halve both axes
SHAPES = {"complex": (2, BINS), "logmel": (1, BANDS)}  # channels and bins of what a front end makes


@dataclass(frozen=True)
class VoiceSpec:
    """Sizes of the voice encoder; the defaults are the paper's network, with 148,062,976 weights.

    Attributes:
        outputs: Length of the face features; 4096 for VGG-Face.
        hidden: Units of the first linear layer.
        divisor: Of all channels, for a smaller network.
        final_relu: The last layer ends in a ReLU, as VGG-Face's features do; the sources differ.
        front_end: "complex" is the paper's compressed spectrogram, "logmel" the log-mel of the feature shards.
        pooled: The linear layers get the mean over time and frequency instead of all frequencies.
    """

    outputs: int = 4096
    hidden: int = 4096
    divisor: int = 1
    final_relu: bool = False
    front_end: Literal["complex", "logmel"] = "complex"
    pooled: bool = False
    kind: Literal["convolutional"] = "convolutional"


class VoiceEncoder(nn.Module):
    """Face features of speech. Shape: (B, C, F, T) of the front end -> (B, outputs); T = 598 for the complex one."""

    def __init__(self, spec: VoiceSpec = VoiceSpec()) -> None:
        super().__init__()
        self.spec = spec
        channels = [count // spec.divisor for count in CHANNELS]
        first, bins = SHAPES[spec.front_end]
        layers: list[nn.Module] = []
        for index, (into, out) in enumerate(zip([first, *channels], channels, strict=False)):
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
        inputs = channels[-1] * (1 if spec.pooled else bins)
        self.head = nn.Sequential(nn.Linear(inputs, spec.hidden), nn.ReLU(), nn.Linear(spec.hidden, spec.outputs))
        if spec.final_relu:
            self.head.append(nn.ReLU())

    def input_of(self, wav: Tensor) -> Tensor:
        """What `forward` reads of six seconds of waves (B, N) at 16 kHz; cut, or repeated."""
        return spectrogram(wav) if self.spec.front_end == "complex" else log_mel(wav)

    def forward(self, spectrum: Tensor) -> Tensor:
        out = self.layers(spectrum.transpose(2, 3))
        return self.head(out.mean(dim=3).flatten(1) if self.spec.pooled else out.flatten(1))


class AverageOverTime(nn.Module):
    """Shape: (B, C, T, F) -> (B, C, 1, F)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=2, keepdim=True)


AnyVoiceSpec = VoiceSpec | SpeakerVoiceSpec


def voice_encoder(spec: AnyVoiceSpec) -> VoiceEncoder | SpeakerVoiceEncoder:
    """The encoder of the kind that a specification names."""
    return SpeakerVoiceEncoder(spec) if spec.kind == "speaker" else VoiceEncoder(spec)

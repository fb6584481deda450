"""The generator of Parallel WaveGAN: noise and a mel become a wave, all samples at once (arXiv 1910.11480).

Trained for hours on a CPU, it does not get as far as phase retrieval needs no training for. With the excitation
"griffin_lim" it starts there: its input is that wave instead of noise, and its output is what is added to it.

The networks of this file and of `discriminator.py` have the parameters, under the names, of the package
parallel-wavegan, so that its checkpoints load as they are. They are written for training; `stream.py` computes the
generator faster.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.vocoder import GeneratorSpec

_FIRST_CHANGE = 1e-2


def conv(inputs: int, outputs: int, kernel: int = 1, dilation: int = 1, padding: bool = True) -> nn.Conv1d:
    """A convolution that keeps the length unless `padding` is off; weights start at He's scale, biases at zero."""
    layer = nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=(kernel - 1) // 2 * dilation * padding)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def without_bias(layer: nn.Conv1d) -> nn.Conv1d:
    """The same layer with its bias taken away."""
    layer.register_parameter("bias", None)
    return layer


class WeightNormed(nn.Module):
    """A network whose convolutions may be normalised: their weight is then a length (`weight_g`) and a direction."""

    def apply_weight_norm(self) -> None:
        """Normalise every convolution."""
        with warnings.catch_warnings():
            # torch's successor of this function names its parameters otherwise than all existing checkpoints
            warnings.simplefilter("ignore", FutureWarning)
            for layer in self._convolutions():
                nn.utils.weight_norm(layer)

    def remove_weight_norm(self) -> None:
        """Multiply length and direction out, for inference."""
        for layer in self._convolutions():
            if hasattr(layer, "weight_g"):
                nn.utils.remove_weight_norm(layer)

    def _convolutions(self) -> list[nn.Module]:
        return [layer for layer in self.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d)]


class ResidualBlock(nn.Module):
    """A gated, dilated convolution of WaveNet.

    Shape: x (B, residual, N), aux (B, aux, N) or None -> the next x, and skip (B, skip, N).
    """

    def __init__(self, residual: int, gate: int, skip: int, kernel: int, dilation: int, aux: int = 0) -> None:
        super().__init__()
        self.conv = conv(residual, gate, kernel, dilation)
        self.conv1x1_aux = without_bias(conv(aux, gate)) if aux else None
        self.conv1x1_out = conv(gate // 2, residual)
        self.conv1x1_skip = conv(gate // 2, skip)

    def forward(self, x: Tensor, aux: Tensor | None = None) -> tuple[Tensor, Tensor]:
        hidden = self.conv(x)
        if self.conv1x1_aux is not None:
            hidden = hidden + self.conv1x1_aux(aux)
        signal, gate = hidden.chunk(2, dim=1)
        hidden = torch.tanh(signal) * torch.sigmoid(gate)
        return (self.conv1x1_out(hidden) + x) * math.sqrt(0.5), self.conv1x1_skip(hidden)


def residual_blocks(
    layers: int, stacks: int, residual: int, gate: int, skip: int, kernel: int, aux: int = 0
) -> nn.ModuleList:
    """`layers` blocks in `stacks` cycles; in each the dilation doubles from 1."""
    cycle = layers // stacks
    return nn.ModuleList(
        ResidualBlock(residual, gate, skip, kernel, 2 ** (layer % cycle), aux) for layer in range(layers)
    )


class Upsampling(nn.Module):
    """Repeats the frames by each scale in turn and smooths over two of them, alike for every band.

    Shape: (B, C, T) -> (B, C, T * product of the scales).
    """

    def __init__(self, scales: Sequence[int]) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.up_layers = nn.ModuleList()
        for scale in self.scales:
            smooth = nn.Conv2d(1, 1, (1, 2 * scale + 1), padding=(0, scale), bias=False)
            nn.init.constant_(smooth.weight, 1 / (2 * scale + 1))
            self.up_layers += [nn.Identity(), smooth]  # the package's checkpoints count the repetition as a layer

    def forward(self, frames: Tensor) -> Tensor:
        image = frames[:, None]
        for scale, smooth in zip(self.scales, self.up_layers[1::2], strict=True):
            image = smooth(image.repeat_interleave(scale, dim=3))
        return image[:, 0]


class ContextUpsampling(nn.Module):
    """Mixes each frame with `context` frames at both sides, then upsamples.

    Shape: (B, M, T + 2 context) -> (B, M, T * hop).
    """

    def __init__(self, n_mels: int, context: int, scales: Sequence[int]) -> None:
        super().__init__()
        self.conv_in = without_bias(conv(n_mels, n_mels, 2 * context + 1, padding=False))
        self.upsample = Upsampling(scales)

    def forward(self, mel: Tensor) -> Tensor:
        return self.upsample(self.conv_in(mel))


class Generator(WeightNormed):
    """Excitation (B, 1, N) and a normalised mel (B, M, T + 2 context) to a wave (B, 1, N), N = T * hop.

    Args:
        spec: sizes.
        n_mels: M.
        weight_norm: Whether its weights are normalised, as in training.
    """

    def __init__(self, spec: GeneratorSpec, n_mels: int = 80, weight_norm: bool = True) -> None:
        super().__init__()
        self.spec = spec
        self.first_conv = conv(1, spec.residual)
        self.upsample_net = ContextUpsampling(n_mels, spec.context, spec.upsample_scales)
        self.conv_layers = residual_blocks(
            spec.layers, spec.stacks, spec.residual, spec.gate, spec.skip, spec.kernel, n_mels
        )
        last = conv(spec.skip, 1)
        self.last_conv_layers = nn.Sequential(nn.ReLU(), conv(spec.skip, spec.skip), nn.ReLU(), last)
        self.refines = spec.excitation == "griffin_lim"
        if self.refines:  # begin with a change that is hardly heard
            last.weight.data *= _FIRST_CHANGE
        if weight_norm:
            self.apply_weight_norm()

    def forward(self, excitation: Tensor, mel: Tensor) -> Tensor:
        aux = self.upsample_net(mel)
        x, skip = self.conv_layers[0](self.first_conv(excitation), aux)
        skips = skip
        for block in self.conv_layers[1:]:
            x, skip = block(x, aux)
            skips = skips + skip
        wave = self.last_conv_layers(skips * math.sqrt(1 / len(self.conv_layers)))
        return excitation + wave if self.refines else wave

    def with_context(self, mel: Tensor) -> Tensor:
        """A whole mel (B, M, T) with its first and last frame repeated as context."""
        return F.pad(mel, (self.spec.context, self.spec.context), mode="replicate")

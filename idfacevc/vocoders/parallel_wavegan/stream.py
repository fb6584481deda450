"""The generator of Parallel WaveGAN on a mel that arrives in pieces: the very samples of one pass, and faster.

Each layer keeps the last inputs that its dilated convolution still needs, so nothing is computed twice and memory does
not grow. A layer's outputs lag behind its inputs by its dilation; skips wait in a buffer until the last layer has come.

What makes it fast on a CPU, measured by `idfacevc vocoder bench`:

- Blocks of samples that stay in the cache go through all layers; time is the outer axis of every array, so that a
  convolution is a matrix product whose rows are samples.
- Projecting the mel to a gate and upsampling it commute, both being linear. The projection is done at the frame rate,
  for all layers at once. A hop of samples sees few frames, so that upsampling is a batch of narrow products.
- The residual and the skip output are one product. Their scalings are folded into the weights.
- Layers read from and write to two buffers in turn, through views that are made once: there are few operations and
  little Python between them. Torch splits each operation among its threads.
- tanh(a) sigmoid(b) = 2 sigmoid(2a) sigmoid(b) - sigmoid(b): one sigmoid of all channels, torch's fast one.
- Products are convolutions of images one pixel high with channels last, because torch hands convolutions to oneDNN,
  whose kernels are twice as fast as those that matrix products of float32 go to where the CPU is not Intel's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.vocoders.parallel_wavegan.generator import Generator, ResidualBlock

_BLOCK = 6400  # samples that go through a layer at a time, about
_BLOCK_GPU = 1 << 16
_GATES = 2.0  # tanh(a) is taken as 2 sigmoid(2 a) - 1


class FastGenerator:
    """A generator's weights, folded and laid out for `WaveStream`.

    Args:
        generator: without weight norm, in evaluation mode.
    """

    def __init__(self, generator: Generator) -> None:
        self.spec = generator.spec
        self.hop, self.refines = self.spec.hop_length, generator.refines
        weights = {name: value.detach() for name, value in generator.state_dict().items()}
        self.context_weight = weights["upsample_net.conv_in.weight"]
        self.n_mels = self.context_weight.shape[1]
        self.upsample = generator.upsample_net.upsample
        self.first_weight, self.first_bias = weights["first_conv.weight"][:, :, 0].T, weights["first_conv.bias"]
        self.layers = [_Layer(block, number) for number, block in enumerate(generator.conv_layers)]  # type: ignore[arg-type]
        self.reach = sum(layer.reach for layer in self.layers)
        self.gate_aux = torch.cat([layer.aux_weight for layer in self.layers]).T
        scale = math.sqrt(1 / len(self.layers))
        self.last = [
            (weights["last_conv_layers.1.weight"][..., None] * scale, weights["last_conv_layers.1.bias"]),
            (weights["last_conv_layers.3.weight"][..., None], weights["last_conv_layers.3.bias"]),
        ]
        # the frames at each side that a sample's smoothing filters see
        scales = self.spec.upsample_scales
        self.frame_reach = math.ceil(sum(1 / math.prod(scales[:number]) for number in range(len(scales))))
        self._interpolations: dict[int, Tensor] = {}

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.first_bias.device

    def interpolation(self, frames: int) -> Tensor:
        """Upsampling of `frames` frames as a matrix (frames * hop, frames)."""
        if frames not in self._interpolations:
            identity = torch.eye(frames, device=self.device)
            self._interpolations[frames] = self.upsample(identity[None])[0].T.contiguous()
        return self._interpolations[frames]

    def windows(self, offset: int, count: int) -> Tensor:
        """Upsampling of `count` hops that begin `offset` samples after a frame (count, hop, frames that they see)."""
        window = self.interpolation(2 * self.frame_reach + 2)
        begin = self.frame_reach * self.hop + offset
        return window[begin : begin + self.hop].expand(count, -1, -1)


class _Layer:
    """One residual block; its inputs are larger by sqrt(2) for each layer before, which saves scaling them down."""

    def __init__(self, block: ResidualBlock, number: int) -> None:
        weights = block.state_dict()
        scale = math.sqrt(2) ** number
        self.taps, self.dilation = block.conv.kernel_size[0], block.conv.dilation[0]
        self.reach = (self.taps - 1) // 2 * self.dilation
        gates = torch.ones_like(weights["conv.bias"])[:, None]
        gates[: len(gates) // 2] = _GATES
        weight = gates[..., None] * weights["conv.weight"] / scale
        self.weight = weight[:, :, None].contiguous(memory_format=torch.channels_last)
        self.bias = gates[:, 0] * weights["conv.bias"]
        self.aux_weight = gates * weights["conv1x1_aux.weight"][:, :, 0]
        # the gated product comes with the opposite sign
        out, skip = weights["conv1x1_out.weight"], weights["conv1x1_skip.weight"]
        self.out_weight = -torch.cat([out * scale, skip])[..., None]
        self.out_bias = torch.cat([weights["conv1x1_out.bias"] * scale, weights["conv1x1_skip.bias"]])
        self.sizes = [len(out), len(skip)]

    def __call__(self, x: Tensor, add_mel: Callable[[Tensor], None]) -> tuple[Tensor, ...]:
        """What n samples add to the residual (1, residual, 1, n) and to the skips (1, skip, 1, n).

        Args:
            x: inputs (1, residual, 1, n + 2 reach), the samples in their middle.
            add_mel: adds the mel's share to gates (n, gate).
        """
        gates = F.conv2d(x, self.weight, self.bias, dilation=(1, self.dilation))
        add_mel(_rows(gates))
        signal, gate = gates.sigmoid_().chunk(2, dim=1)
        gated = torch.addcmul(gate, signal, gate, value=-_GATES)
        return _product(gated, self.out_weight, self.out_bias).split(self.sizes, dim=1)


class WaveStream:
    """One utterance on its way through a `FastGenerator`."""

    def __init__(self, net: FastGenerator) -> None:
        self._net = net
        self._mels = _ProjectedMel(net)
        self._block = net.hop * max(1, (_BLOCK if net.device.type == "cpu" else _BLOCK_GPU) // net.hop)
        self._layers = _Layers(self._mels, max(self._block, net.reach))
        self._excitation = torch.empty(0, device=net.device)  # samples that have not come out

    def push(self, mel: Tensor, excitation: Tensor) -> Iterator[Tensor]:
        """Add frames (M, t) of the normalised mel, t > 0, with their excitation (t * hop,): samples (n,) now final."""
        self._excitation = torch.cat([self._excitation, excitation])
        yield from self._add(mel, last=False)

    def end(self) -> Iterator[Tensor]:
        """The samples (n,) that were waiting for more."""
        yield from self._add(torch.empty(self._net.n_mels, 0, device=self._net.device), last=True)
        yield from self._made(0, last=True)

    def _add(self, mel: Tensor, last: bool) -> Iterator[Tensor]:
        self._mels.push(mel, last, self._layers.position)
        while (size := min(self._block, self._mels.samples - self._layers.entered)) > 0:
            yield from self._made(size, last=False)

    def _made(self, size: int, last: bool) -> Iterator[Tensor]:
        """The samples that come out when `size` more go in, if there are any."""
        begin = self._layers.entered - self._layers.position
        skips = self._layers(self._first(self._excitation[begin : begin + size]), last)
        if len(skips):
            wave = self._last(skips)
            if self._net.refines:
                wave = wave + self._excitation[: len(wave)]
            self._excitation = self._excitation[len(wave) :]
            yield wave

    @torch.inference_mode()
    def _first(self, excitation: Tensor) -> Tensor:
        return torch.addmm(self._net.first_bias, excitation[:, None], self._net.first_weight)

    @torch.inference_mode()
    def _last(self, skips: Tensor) -> Tensor:
        x = _image(skips)
        for weight, bias in self._net.last:
            x = _product(x.relu_(), weight, bias)
        return x.flatten()


class _ProjectedMel:
    """The mel as all gates see it, at the frame rate; frames that no layer will ask for again are forgotten."""

    def __init__(self, net: FastGenerator) -> None:
        self.net = net
        self._before: Tensor | None = None  # last frames of the mel, which are context of the next
        self._final = torch.empty(0)  # the last one of all (M, 1)
        self._gates = torch.empty(0, net.gate_aux.shape[1], device=net.device)
        self._start = 0  # number of the first frame in `_gates`
        self._ended = False

    @property
    def samples(self) -> int:
        """Samples whose frames are all known."""
        frames = self._start + len(self._gates)
        return (frames if self._ended else frames - self.net.frame_reach) * self.net.hop

    @torch.inference_mode()
    def push(self, mel: Tensor, last: bool, position: int) -> None:
        """Add frames (M, t), t > 0 unless it is the last time; those before what samples from `position` on need go."""
        context = self.net.spec.context
        self._ended = last
        if self._before is None:
            self._before = mel[:, :1].expand(-1, context)
        if mel.shape[1]:
            self._final = mel[:, -1:]
        if last:
            mel = torch.cat([mel, self._final.expand(-1, context)], dim=1)
        window = torch.cat([self._before, mel], dim=1)
        first = max(self._start, position // self.net.hop - self.net.frame_reach)
        parts = [self._gates[first - self._start :]]
        if window.shape[1] > 2 * context:
            parts.append(F.conv1d(window[None], self.net.context_weight)[0].T @ self.net.gate_aux)
        self._gates, self._start = torch.cat(parts), first
        self._before = window[:, max(0, window.shape[1] - 2 * context) :]

    def add_to(self, rows: Tensor, layer: int, position: int) -> None:
        """Add a layer's share of the mel, upsampled, to its gates (n, gate) of the samples from `position` on."""
        net, width = self.net, rows.shape[1]
        first, offset = divmod(position - self._start * net.hop, net.hop)
        first -= net.frame_reach
        seen = 2 * net.frame_reach + 2
        # where frames are missing at an end, the smoothing filters see zeros
        hops = min(len(rows) // net.hop, len(self._gates) - first - seen + 1) if first >= 0 else 0
        if hops > 0:
            stride = self._gates.shape[1]
            frames = self._gates.as_strided((hops, seen, width), (stride, stride, 1), first * stride + layer * width)
            samples = hops * net.hop
            whole, rows = (rows, rows[:0]) if samples == len(rows) else (rows[:samples], rows[samples:])
            whole.view(hops, net.hop, width).baddbmm_(net.windows(offset, hops), frames)
            position += samples
        if len(rows):
            self._add_slowly(rows, layer, position)

    def _add_slowly(self, rows: Tensor, layer: int, position: int) -> None:
        net, width = self.net, rows.shape[1]
        first = max(0, position // net.hop - net.frame_reach - self._start)
        stop = -(-(position + len(rows)) // net.hop) + net.frame_reach - self._start
        gates = self._gates[first:stop, layer * width : (layer + 1) * width]
        offset = position - (self._start + first) * net.hop
        rows.addmm_(net.interpolation(len(gates))[offset : offset + len(rows)], gates)


class _Views(NamedTuple):
    """Where a layer finds and leaves what; images but for the first and last two."""

    memory: Tensor  # the inputs from before
    before: Tensor  # the same in the buffer, to which the new ones have been added
    inputs: Tensor  # all of them
    middle: Tensor  # those that are as old as its outputs
    outputs: Tensor
    skips: Tensor
    keep: Tensor  # the inputs that will be needed again
    kept: Tensor  # where they are remembered


class _Layers:
    """All layers and what they remember of the samples before.

    Args:
        mels: the mel.
        width: most samples that come at a time.
    """

    def __init__(self, mels: _ProjectedMel, width: int) -> None:
        net = mels.net
        self._mels, self._layers = mels, net.layers
        # what lies before the first sample is zero for every layer
        self._inputs = [torch.zeros(2 * layer.reach, net.spec.residual, device=net.device) for layer in self._layers]
        self._held = [layer.reach for layer in self._layers]  # of these
        self._positions = [0] * len(self._layers)  # samples that came out of each layer
        self._margin = 2 * max(layer.reach for layer in self._layers)
        self._buffers = torch.zeros(2, self._margin + width, net.spec.residual, device=net.device)
        self._skips = torch.zeros(net.reach + width, net.spec.skip, device=net.device)
        self.entered = 0  # samples that came in
        self._views: dict[int, tuple[tuple[int, ...], _Views]] = {}  # of each layer, the last ones made

    @property
    def position(self) -> int:
        """Samples that came out."""
        return self._positions[-1]

    @torch.inference_mode()
    def __call__(self, x: Tensor, last: bool) -> Tensor:
        """The first layer's inputs (n, residual) to the sums of all layers' skips (m, skip)."""
        begin, count = self.position, len(x)
        waiting = self.entered - begin
        self.entered += count
        self._skips[waiting : waiting + count] = 0
        self._buffers[0, self._margin :][:count] = x
        for index in range(len(self._layers)):
            count = self._run(index, count, begin, last)
        done = self._skips[:count].clone()
        waiting = self.entered - self.position
        self._skips[:waiting] = self._skips[count : count + waiting].clone()
        return done

    def _run(self, index: int, count: int, begin: int, last: bool) -> int:
        """One layer on `count` new samples; how many come out."""
        layer, position = self._layers[index], self._positions[index]
        if last:
            self._buffers[index % 2, self._margin + count :][: layer.reach] = 0
            count += layer.reach
        held = self._held[index]
        made = max(0, held + count - 2 * layer.reach)
        views = self._views_of(index, held, count, position - begin)
        views.before.copy_(views.memory)
        if made:
            residual, skip = layer(views.inputs, lambda gates: self._mels.add_to(gates, index, position))
            torch.add(residual, views.middle, out=views.outputs)
            views.skips.add_(skip)
        views.kept.copy_(views.keep)
        self._held[index] = held + count - made
        self._positions[index] += made
        return made

    def _views_of(self, index: int, *sizes: int) -> _Views:
        known, views = self._views.get(index, ((), None))
        if views is None or known != sizes:  # all blocks but the first and last ones are alike
            views = self._new_views(index, *sizes)
            self._views[index] = sizes, views
        return views

    def _new_views(self, index: int, held: int, count: int, late: int) -> _Views:
        reach, memory = self._layers[index].reach, self._inputs[index]
        made = max(0, held + count - 2 * reach)
        rows = self._buffers[index % 2, self._margin - held :][: held + count]
        return _Views(
            memory=memory[:held],
            before=rows[:held],
            inputs=_image(rows),
            middle=_image(rows[reach:][:made]),
            outputs=_image(self._buffers[1 - index % 2, self._margin :][:made]),
            skips=_image(self._skips[late:][:made]),
            keep=rows[made:],
            kept=memory[: held + count - made],
        )


def _image(rows: Tensor) -> Tensor:
    """rows (n, K) as an image (1, K, 1, n) with channels last."""
    return rows.view(1, 1, *rows.shape).permute(0, 3, 1, 2)


def _rows(image: Tensor) -> Tensor:
    """A view of an image (1, K, 1, n) as rows (n, K)."""
    return image.permute(0, 2, 3, 1).view(-1, image.shape[1])


def _product(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Each pixel of an image (1, K, 1, n) times weight (D, K, 1, 1) plus bias (D,): (1, D, 1, n)."""
    # one pixel has no neighbours to be dilated from, but torch on one thread keeps plain 1x1 convolutions from oneDNN
    return F.conv2d(image, weight, bias, dilation=2)

"""The generator of Parallel WaveGAN on a mel that arrives in pieces: the very samples of one pass, and faster.

Each layer keeps the last inputs that its dilated convolution still needs, so nothing is computed twice and memory does
not grow. A layer's outputs lag behind its inputs by its dilation; skips wait in a buffer until the last layer has come.

What makes it fast on a CPU, measured by `idfacevc vocoder bench`:

- Blocks of samples that stay in the cache go through all layers; time is the outer axis of every array, so that a
  convolution is a matrix product whose rows are samples.
- Projecting the mel to a gate and upsampling it commute, both being linear. The projection is done at the frame rate,
  for all layers at once, and upsampling is a few more columns of the dilated convolution's matrix product.
- The residual and the skip output are one product. Their scalings are folded into the weights.
- Threads take a share of the layers each, and blocks go from one to the next. No thread waits for another inside a
  block, which would cost more than it gains on a machine that has other work.
- tanh(a) sigmoid(b) = 2 sigmoid(2a) sigmoid(b) - sigmoid(b): one sigmoid of all channels, torch's fast one.
- Products are 1x1 convolutions of images one pixel high with channels last, because torch hands convolutions to oneDNN,
  whose kernels are twice as fast as those that matrix products of float32 go to where the CPU is not Intel's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.vocoder.parallel_wavegan import Generator, ResidualBlock

_BLOCK = 3200  # samples that go through a layer at a time
_BLOCK_GPU = 1 << 16
_GATES = 2.0  # tanh(a) is taken as 2 sigmoid(2 a) - 1


class FastGenerator:
    """A generator's weights, folded and laid out for `WaveStream`.

    Args:
        generator: without weight norm, in evaluation mode.
    """

    def __init__(self, generator: Generator) -> None:
        self.spec = generator.spec
        self.hop = self.spec.hop_length
        weights = {name: value.detach() for name, value in generator.state_dict().items()}
        self.context_weight = weights["upsample_net.conv_in.weight"]
        self.upsample = generator.upsample_net.upsample
        self.first_weight, self.first_bias = weights["first_conv.weight"][:, :, 0].T, weights["first_conv.bias"]
        self.layers = [_Layer(block, number) for number, block in enumerate(generator.conv_layers)]  # type: ignore[arg-type]
        self.gate_aux = torch.cat([layer.aux_weight for layer in self.layers])
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
        """Where the weights are."""
        return self.first_bias.device

    def interpolation(self, frames: int) -> Tensor:
        """Upsampling of `frames` frames as a matrix (frames * hop, frames)."""
        if frames not in self._interpolations:
            identity = torch.eye(frames, device=self.device)
            self._interpolations[frames] = self.upsample(identity[None])[0].T.contiguous()
        return self._interpolations[frames]


class _Layer:
    """One residual block; its inputs are larger by sqrt(2) for each layer before, which saves scaling them down."""

    def __init__(self, block: ResidualBlock, number: int) -> None:
        weights = block.state_dict()
        scale = math.sqrt(2) ** number
        self.taps, self.dilation = block.conv.kernel_size[0], block.conv.dilation[0]
        self.reach = (self.taps - 1) // 2 * self.dilation
        gates = torch.ones_like(weights["conv.bias"])[:, None]
        gates[: len(gates) // 2] = _GATES
        # columns in the order tap, channel: that of rows put side by side
        self.weight = gates * weights["conv.weight"].transpose(1, 2).flatten(1) / scale
        self.bias = gates[:, 0] * weights["conv.bias"]
        self.aux_weight = gates * weights["conv1x1_aux.weight"][:, :, 0]
        # the gated product comes with the opposite sign
        out, skip = weights["conv1x1_out.weight"], weights["conv1x1_skip.weight"]
        self.out_weight = -torch.cat([out * scale, skip])[..., None]
        self.out_bias = torch.cat([weights["conv1x1_out.bias"] * scale, weights["conv1x1_skip.bias"]])
        self.residual = len(out)

    def __call__(self, rows: Tensor, upsampling: Tensor, aux: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's outputs for n samples.

        Args:
            rows: its inputs (n + 2 reach, residual), the samples in their middle.
            upsampling: (n, frames).
            aux: the gates' share of the mel at those frames (gate, frames).
        Returns:
            the next layer's inputs (n, residual) and the skips (n, skip).
        """
        count = len(upsampling)
        taps = [rows[tap * self.dilation :][:count] for tap in range(self.taps)]
        weight = torch.cat([self.weight, aux], dim=1)[..., None, None]
        sigmoids = _product(torch.cat([*taps, upsampling], dim=1), weight, self.bias).sigmoid_()
        signal, gates = sigmoids.chunk(2, dim=1)
        gated = torch.addcmul(gates, signal, gates, value=-_GATES)
        both = _product(gated, self.out_weight, self.out_bias)
        return both[:, : self.residual] + rows[self.reach :][:count], both[:, self.residual :]


class WaveStream:
    """One utterance on its way through a `FastGenerator`; a context that ends its threads.

    Args:
        net: the folded weights.
        noise: gives the next n samples of the noise (n,).
    """

    def __init__(self, net: FastGenerator, noise: Callable[[int], Tensor]) -> None:
        self._net, self._noise = net, noise
        self._mels = _ProjectedMel(net)
        threads = min(torch.get_num_threads(), len(net.layers)) if net.device.type == "cpu" else 1
        self._block = _BLOCK if net.device.type == "cpu" else _BLOCK_GPU
        bounds = [len(net.layers) * number // threads for number in range(threads + 1)]
        self._stages = [_Stage(self._mels, range(*pair)) for pair in pairwise(bounds)]
        self._workers = _single_threads(threads) if threads > 1 else []
        self._entered = 0  # samples of noise that went in

    def __enter__(self) -> WaveStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.shutdown(cancel_futures=True)

    def push(self, mel: Tensor | None) -> Iterator[Tensor]:
        """Add frames (M, t) of the normalised mel, None after the last; gives the samples (n,) that are final now."""
        return filter(len, self._push(mel))

    def _push(self, mel: Tensor | None) -> Iterator[Tensor]:
        self._mels.push(mel, min(stage.position for stage in self._stages))
        running: deque[Future[Tensor]] = deque()
        for size in self._sizes():
            noise = self._noise(size).to(self._net.device)
            running.append(self._start(noise, last=False))
            if len(running) > len(self._stages):
                yield running.popleft().result()
        if mel is None:
            running.append(self._start(self._noise(0).to(self._net.device), last=True))
        for future in running:
            yield future.result()

    def _sizes(self) -> Iterator[int]:
        """Blocks of the samples whose frames are known."""
        while (size := min(self._block, self._mels.samples - self._entered)) > 0:
            self._entered += size
            yield size

    def _start(self, noise: Tensor, last: bool) -> Future[Tensor]:
        """Send a block through the stages, each in its own thread if there are several."""
        future: Future[tuple[Tensor, Tensor]] = Future()
        future.set_result(self._first(noise))
        for stage, worker in zip(self._stages, self._workers, strict=False):
            future = worker.submit(_run_after, future, stage, last)
        if self._workers:
            return self._workers[-1].submit(lambda: self._last(future.result()[1]))
        done: Future[Tensor] = Future()
        done.set_result(self._last(self._stages[0](*future.result(), last)[1]))
        return done

    @torch.inference_mode()
    def _first(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        net = self._net
        x = torch.addmm(net.first_bias, noise[:, None], net.first_weight)
        return x, x.new_zeros(len(noise), net.spec.skip)

    @torch.inference_mode()
    def _last(self, skips: Tensor) -> Tensor:
        if not len(skips):
            return skips[:, 0]
        for weight, bias in self._net.last:
            skips = _product(skips.relu(), weight, bias)
        return skips[:, 0]


class _ProjectedMel:
    """The mel as all gates see it, at the frame rate; frames that no layer will ask for again are forgotten."""

    def __init__(self, net: FastGenerator) -> None:
        self.net = net
        self._before: Tensor | None = None  # last frames of the mel, which are context of the next
        self._final = torch.empty(0)  # the last one (M, 1)
        self._gates = torch.empty(len(net.gate_aux), 0, device=net.device)
        self._start = 0  # number of the first frame in `_gates`
        self._ended = False

    @property
    def samples(self) -> int:
        """Samples whose frames are all known."""
        frames = self._start + self._gates.shape[1]
        return (frames if self._ended else frames - self.net.frame_reach) * self.net.hop

    @torch.inference_mode()
    def push(self, mel: Tensor | None, position: int) -> None:
        """Add frames (M, t), or end with None; frames that samples from `position` on do not need are dropped."""
        context = self.net.spec.context
        if mel is None:
            self._ended = True
            mel = self._final.expand(-1, context)
        elif self._before is None:
            self._before = mel[:, :1].expand(-1, context)
        assert self._before is not None, "a mel has frames"
        window = torch.cat([self._before, mel], dim=1)
        first = max(self._start, position // self.net.hop - self.net.frame_reach)
        parts = [self._gates[:, first - self._start :]]
        if window.shape[1] > 2 * context:
            parts.append(self.net.gate_aux @ F.conv1d(window[None], self.net.context_weight)[0])
        self._gates, self._start = torch.cat(parts, dim=1), first
        self._before, self._final = window[:, max(0, window.shape[1] - 2 * context) :], mel[:, -1:]

    def at(self, layer: int, position: int, count: int) -> tuple[Tensor, Tensor]:
        """For `count` samples of a layer: upsampling (count, frames) and the gates' values there (gate, frames)."""
        net = self.net
        first = max(0, position // net.hop - net.frame_reach - self._start)
        stop = -(-(position + count) // net.hop) + net.frame_reach - self._start
        gates = self._gates[layer * net.spec.gate : (layer + 1) * net.spec.gate, first:stop]
        offset = position - (self._start + first) * net.hop
        return net.interpolation(gates.shape[1])[offset : offset + count], gates


class _Stage:
    """Some consecutive layers and what they remember of the samples before."""

    def __init__(self, mels: _ProjectedMel, numbers: range) -> None:
        self._mels, self._numbers = mels, numbers
        net = mels.net
        self._layers = [net.layers[number] for number in numbers]
        # what lies before the first sample is zero for every layer
        self._inputs = [torch.zeros(layer.reach, layer.residual, device=net.device) for layer in self._layers]
        self._positions = [0] * len(numbers)  # samples that came out of each layer
        self._skips = torch.zeros(0, net.spec.skip, device=net.device)  # of samples that are not out of the last layer

    @property
    def position(self) -> int:
        """Samples that came out."""
        return self._positions[-1]

    @torch.inference_mode()
    def __call__(self, x: Tensor, skips: Tensor, last: bool) -> tuple[Tensor, Tensor]:
        """Inputs (n, residual) and skips (n, skip) so far, to outputs (m, residual) and skips (m, skip)."""
        skips = torch.cat([self._skips, skips])
        begin = self.position
        for index, layer in enumerate(self._layers):
            rows = torch.cat([self._inputs[index], x])
            if last:
                rows = F.pad(rows, (0, 0, 0, layer.reach))
            count = max(0, len(rows) - 2 * layer.reach)
            self._inputs[index] = rows[count:].clone()
            if not count:
                x = x[:0]
                continue
            position = self._positions[index]
            x, skip = layer(rows, *self._mels.at(self._numbers[index], position, count))
            skips[position - begin :][:count] += skip
            self._positions[index] += count
        done = self.position - begin
        self._skips = skips[done:].clone()
        return x, skips[:done]


def _run_after(before: Future[tuple[Tensor, Tensor]], stage: _Stage, last: bool) -> tuple[Tensor, Tensor]:
    return stage(*before.result(), last)


def _single_threads(count: int) -> list[ThreadPoolExecutor]:
    """Threads whose tensor operations do not start threads of their own."""
    threads = torch.get_num_threads()
    workers = [ThreadPoolExecutor(1, "wavegan", torch.set_num_threads, (1,)) for _ in range(count)]
    for worker in workers:
        worker.submit(int).result()  # starts the thread
    torch.set_num_threads(threads)  # part of that setting is global
    return workers


def _product(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """rows (n, K) times weight (D, K, 1, 1) plus bias (D,): (n, D)."""
    image = rows.view(1, 1, *rows.shape).permute(0, 3, 1, 2)
    # one pixel has no neighbours to be dilated from, but torch on one thread keeps plain 1x1 convolutions from oneDNN
    return F.conv2d(image, weight, bias, dilation=2).permute(0, 2, 3, 1)[0, 0]

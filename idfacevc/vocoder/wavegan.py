"""ParallelWaveGAN as a vocoder: log-mels in, samples out, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from idfacevc.vocoder.base import VocoderSpec, checked_mels
from idfacevc.vocoder.parallel_wavegan import Generator
from idfacevc.vocoder.wavegan_stream import FastGenerator, WaveStream


class ParallelWaveGAN:
    """Wave of a log-mel by a trained generator.

    Args:
        spec: kind "parallel_wavegan", with front end, sizes and statistics.
        generator: of those sizes; its weight norm is removed.
        device: where it computes.
    """

    name = "ParallelWaveGAN"

    def __init__(self, spec: VocoderSpec, generator: Generator, device: torch.device | str = "cpu") -> None:
        assert spec.statistics is not None
        self.spec = spec.front_end
        self.device = torch.device(device)
        generator.remove_weight_norm()
        self._net = FastGenerator(generator.to(self.device).eval())
        self._mean = torch.tensor(spec.statistics.mean, dtype=torch.float32)[:, None]
        self._scale = torch.tensor(spec.statistics.scale, dtype=torch.float32)[:, None]

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """Wave (T * hop,) of a log-mel (M, T)."""
        (mel,) = checked_mels([mel], self.spec)
        pieces = self._waves(seed).push(self._normalised(mel), last=True)
        return np.concatenate([piece.cpu().numpy() for piece in pieces])

    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The wave in pieces, of a log-mel that arrives in pieces (M, t), whose sizes do not change the samples.

        A piece comes out as soon as the samples in it are final: they depend on 0.2 s of what follows.
        """
        waves = self._waves(seed)
        for mel in checked_mels(mels, self.spec):
            yield from (piece.cpu().numpy() for piece in waves.push(self._normalised(mel)))
        nothing = torch.empty(self.spec.n_mels, 0, device=self.device)
        yield from (piece.cpu().numpy() for piece in waves.push(nothing, last=True))

    def _waves(self, seed: int) -> WaveStream:
        rng = np.random.default_rng(seed % 2**64)

        def noise(count: int) -> Tensor:  # drawn one after the other, so that a sample's position decides its noise
            return torch.from_numpy(rng.standard_normal(count, dtype=np.float32))

        return WaveStream(self._net, noise)

    def _normalised(self, mel: Tensor) -> Tensor:
        return ((mel.detach().cpu().float() - self._mean) / self._scale).to(self.device)

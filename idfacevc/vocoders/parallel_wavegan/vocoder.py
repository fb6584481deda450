"""ParallelWaveGAN as a vocoder: log-mels in, samples out, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from idfacevc.config.vocoder import ParallelWaveGANSpec
from idfacevc.vocoders.base import checked_mels
from idfacevc.vocoders.griffin_lim import GriffinLim
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from idfacevc.vocoders.parallel_wavegan.stream import FastGenerator, WaveStream


class ParallelWaveGAN:
    """Wave of a log-mel by a trained generator.

    Args:
        spec: Front end, sizes and statistics.
        generator: Network of those sizes; its weight norm is removed.
        device: Device of the network.
    """

    name = "ParallelWaveGAN"
    reads_pitch = False

    def __init__(self, spec: ParallelWaveGANSpec, generator: Generator, device: torch.device | str = "cpu") -> None:
        self.spec = spec.front_end
        self.device = torch.device(device)
        generator.remove_weight_norm()
        self._net = FastGenerator(generator.to(self.device).eval())
        self._griffin_lim = GriffinLim(spec.front_end, device=device) if generator.refines else None
        self._mean = torch.tensor(spec.statistics.mean, dtype=torch.float32)[:, None]
        self._scale = torch.tensor(spec.statistics.scale, dtype=torch.float32)[:, None]

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """Wave (T * hop,) of a log-mel (M, T)."""
        return np.concatenate(list(self.stream([mel], seed)))

    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The wave in pieces, of a log-mel that arrives in pieces (M, t), whose sizes do not change the samples.

        A piece comes out as soon as the samples in it are final: they depend on 0.2 s of what follows, and on 4 s where
        a wave of Griffin-Lim is refined.
        """
        waves = WaveStream(self._net)
        for mel, excitation in self.excited(mels, seed):
            yield from (piece.cpu().numpy() for piece in waves.push(self._normalised(mel), excitation.to(self.device)))
        yield from (piece.cpu().numpy() for piece in waves.end())

    def excited(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """A log-mel that arrives in pieces as pieces (M, t), each with what excites the generator there (t * hop,)."""
        if self._griffin_lim is None:
            rng = np.random.default_rng(seed % 2**64)
            for mel in checked_mels(mels, self.spec):  # drawn in order, so that a sample's position decides its noise
                noise = rng.standard_normal(mel.shape[1] * self.spec.hop_length, dtype=np.float32)
                yield mel, torch.from_numpy(noise)
            return
        read = torch.empty(self.spec.n_mels, 0)
        wave = torch.empty(0)

        def reading() -> Iterator[Tensor]:
            nonlocal read
            for mel in checked_mels(mels, self.spec):
                read = torch.cat([read, mel.cpu()], dim=1)
                yield mel

        for piece in self._griffin_lim.stream(reading(), seed):
            wave = torch.cat([wave, torch.from_numpy(piece)])
            frames = len(wave) // self.spec.hop_length
            samples = frames * self.spec.hop_length
            yield read[:, :frames], wave[:samples]
            read, wave = read[:, frames:], wave[samples:]

    def _normalised(self, mel: Tensor) -> Tensor:
        return ((mel.detach().cpu().float() - self._mean) / self._scale).to(self.device)

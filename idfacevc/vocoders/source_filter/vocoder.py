"""The source-filter generator as a vocoder: log-mels with their pitch in, samples out, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from idfacevc.config.vocoder import SourceFilterVocoderSpec
from idfacevc.vocoders.base import checked_mels
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator, pulse_train

_BLOCK = 256  # frames at most
_LEAST = 50  # frames, under which the neighbours would cost more than the block


class SourceFilter:
    """Wave of a log-mel and its pitch by a trained generator.

    Args:
        spec: Front end, sizes and statistics.
        generator: Network of those sizes.
        device: Where it computes.
    """

    name = "source-filter vocoder"
    reads_pitch = True

    def __init__(
        self, spec: SourceFilterVocoderSpec, generator: SourceFilterGenerator, device: torch.device | str = "cpu"
    ) -> None:
        self.spec = spec.front_end
        self.device = torch.device(device)
        self._net = generator.to(self.device).eval()
        self._mean = torch.tensor(spec.statistics.mean, dtype=torch.float32)[:, None]
        self._scale = torch.tensor(spec.statistics.scale, dtype=torch.float32)[:, None]

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """Wave (T * hop,) of a log-mel with its pitch in Hz as the last row, (M + 1, T)."""
        return np.concatenate(list(self.stream([mel], seed)))

    @torch.inference_mode()
    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The wave in pieces, of (M + 1, t) that arrive in pieces; their sizes do not change the samples.

        Blocks are made with as many frames of their neighbours as a sample can depend on, so that a stream equals one
        pass: each piece as it comes, but for its last 0.25 s.
        """
        hop, reach = self.spec.hop_length, self._net.reach
        rng = np.random.default_rng(seed % 2**64)
        phase = 0.0
        rows = torch.empty(self.spec.n_mels + 1, 0)
        pulses = noise = torch.empty(0)
        context = 0  # frames in the buffers whose samples are out already

        def block(stop: int) -> np.ndarray:
            known = min(rows.shape[1], stop + reach)
            mel = ((rows[:-1, :known] - self._mean) / self._scale)[None]
            inputs = (mel, rows[-1:, :known], pulses[None, : known * hop], noise[None, : known * hop])
            wave = self._net(*(one.to(self.device) for one in inputs))[0]
            return wave[context * hop : stop * hop].cpu().numpy()

        for piece in checked_mels(mels, self.spec, pitch=True):
            piece = piece.detach().cpu().float()
            more, phase = pulse_train(piece[-1], hop, self.spec.sample_rate, phase)
            drawn = rng.standard_normal(piece.shape[1] * hop, dtype=np.float32)
            rows = torch.cat([rows, piece], dim=1)
            pulses, noise = torch.cat([pulses, more]), torch.cat([noise, torch.from_numpy(drawn)])
            while (ready := rows.shape[1] - context - reach) >= _LEAST:
                stop = context + min(_BLOCK, ready)
                yield block(stop)
                drop = max(0, stop - reach)
                rows, context = rows[:, drop:], stop - drop
                pulses, noise = pulses[drop * hop :], noise[drop * hop :]
        if rows.shape[1] > context:
            yield block(rows.shape[1])

"""Griffin-Lim: the vocoder that needs no weights.

The fast variant with momentum (Perraudin, Balazs, Sondergaard 2013). A long mel is solved in blocks: the complex frames
before a block stay fixed, frames beyond it are solved along and warm-start the next block. The whole wave is therefore
the inverse of one spectrogram, without a seam.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.audio.mel import mel_filterbank
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.vocoders.base import checked_mels

_MOMENTUM = 0.99
_MEL_UPDATES = 100
_BLOCK_SECONDS = 4.0
_AHEAD_SECONDS = 0.2
_TINY = 1e-8


class GriffinLim:
    """Wave of a log-mel by phase retrieval.

    Args:
        spec: front end of the mels.
        iterations: Rounds of phase retrieval.
        device: Device of the computation.
    """

    name = "Griffin-Lim"
    reads_pitch = False

    def __init__(self, spec: FrontEndSpec, iterations: int = 100, device: torch.device | str = "cpu") -> None:
        self.spec = spec
        self.iterations = iterations
        self.device = torch.device(device)
        self._filters = torch.from_numpy(mel_filterbank(spec)).to(self.device)
        unused = spec.n_fft - spec.win_length
        self._window = F.pad(torch.hann_window(spec.win_length), (unused // 2, unused - unused // 2)).to(self.device)
        self._reach = -(-spec.n_fft // spec.hop_length)  # hops that a frame spans
        self._block = round(_BLOCK_SECONDS / spec.frame_period)
        self._ahead = round(_AHEAD_SECONDS / spec.frame_period)

    def __call__(self, mel: Tensor, seed: int = 0) -> np.ndarray:
        """Wave (T * hop,) of a log-mel (M, T)."""
        return np.concatenate(list(self.stream([mel], seed)))

    @torch.inference_mode()
    def stream(self, mels: Iterable[Tensor], seed: int = 0) -> Iterator[np.ndarray]:
        """The wave in pieces, of a log-mel that arrives in pieces (M, t), whose sizes do not change the samples."""
        generator = torch.Generator().manual_seed(seed)
        hop, half = self.spec.hop_length, self.spec.n_fft // 2
        frames = self._filters.new_zeros(0, half + 1).to(torch.complex64)  # final context, then the warm start
        context = 0
        for magnitude, last in self._blocks(mels):
            count = len(magnitude)
            if last:  # the last hop of samples lies under the windows of frames after the end
                magnitude = torch.cat([magnitude, magnitude[-1:].expand(self._reach, -1)])
            frames, wave = self._solve(magnitude, frames, context, generator)
            # a frame's window begins n_fft / 2 before its centre; what lies before sample 0 is not part of the wave
            start = context * hop if context else half
            stop = context * hop + half + count * hop if last else (context + self._block) * hop
            yield wave[start:stop].cpu().numpy()
            end = context + self._block
            context = self._reach
            frames = frames[end - context :]

    def magnitude(self, mel: Tensor) -> Tensor:
        """Magnitude spectrum (T, n_fft // 2 + 1) whose mel is nearest to that of a log-mel (M, T).

        By multiplicative updates, which keep it non-negative; a pseudo-inverse does not, and loses many words.
        """
        log_mel = mel.T.to(self._filters)
        wanted = (torch.pow(10.0, log_mel) if self.spec.log == "log10" else torch.exp(log_mel)) @ self._filters
        spectrum = wanted.clone()
        for _ in range(_MEL_UPDATES):
            spectrum *= wanted / ((spectrum @ self._filters.T) @ self._filters + _TINY)
        return spectrum

    def _blocks(self, mels: Iterable[Tensor]) -> Iterator[tuple[Tensor, bool]]:
        """Magnitudes of each block with its look-ahead, and whether it is the last; the last may be as long as both."""
        pending: list[Tensor] = []
        count = 0
        for mel in checked_mels(mels, self.spec):
            pending.append(mel)
            count += mel.shape[1]
            while count > self._block + self._ahead:
                buffer = torch.cat(pending, dim=1)
                yield self.magnitude(buffer[:, : self._block + self._ahead]), False
                pending = [buffer[:, self._block :]]
                count -= self._block
        yield self.magnitude(torch.cat(pending, dim=1)), True

    def _solve(
        self, magnitude: Tensor, known: Tensor, context: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Complex frames (C + n, F) that have the magnitudes (n, F), and their wave ((C + n + reach - 1) * hop,).

        The first `context` frames of `known` stay as they are; its others are where the search begins.
        """
        fixed, warm = known[:context], known[context:]
        phase = torch.rand(len(magnitude) - len(warm), magnitude.shape[1], generator=generator) * (2 * torch.pi)
        random = torch.polar(torch.ones_like(phase), phase).to(magnitude.device)
        magnitude = torch.cat([fixed.abs(), magnitude])
        frames = torch.cat([known, magnitude[len(known) :] * random])
        envelope = self._overlap_add((self._window**2).expand(len(frames), -1)).clamp_min(_TINY)
        before = torch.zeros_like(frames)
        for _ in range(self.iterations):
            consistent = self._analyse(self._synthesise(frames) / envelope)
            ahead = consistent - before * (_MOMENTUM / (1 + _MOMENTUM))
            before = consistent
            frames = ahead * (magnitude / (ahead.abs() + _TINY))
            frames[:context] = fixed
        return frames, self._synthesise(frames) / envelope

    def _analyse(self, wave: Tensor) -> Tensor:
        return torch.fft.rfft(wave.unfold(0, self.spec.n_fft, self.spec.hop_length) * self._window)

    def _synthesise(self, frames: Tensor) -> Tensor:
        return self._overlap_add(torch.fft.irfft(frames, self.spec.n_fft) * self._window)

    def _overlap_add(self, pieces: Tensor) -> Tensor:
        """Sum of windows (n, n_fft), each a hop after the one before: ((n + reach - 1) * hop,)."""
        hop, count = self.spec.hop_length, len(pieces)
        pieces = F.pad(pieces, (0, self._reach * hop - self.spec.n_fft))
        out = pieces.new_zeros(count + self._reach - 1, hop)
        for part in range(self._reach):
            out[part : part + count] += pieces[:, part * hop : (part + 1) * hop]
        return out.flatten()

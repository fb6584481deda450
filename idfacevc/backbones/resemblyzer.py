"""Resemblyzer's utterance embeddings, batched over the partial windows of many recordings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from idfacevc.errors import optional

_RATE, _MIN_COVERAGE = 1.3, 0.75  # windows a second, and how full the last one must be: Resemblyzer's own defaults
_BATCH = 64  # windows a pass; LSTM steps of a few rows leave most of a core idle


class ResemblyzerBackbone:
    """Unit-length embeddings as single tokens. Shape: recordings -> (B, 1, 256).

    Entries are never negative, so that even strangers have cosines above 0.5.

    Raises:
        InputError: without resemblyzer.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        with optional("resemblyzer", "speaker embeddings need resemblyzer: pip install 'idfacevc[train]'"):
            from resemblyzer import VoiceEncoder, hparams
        self.model = VoiceEncoder(device, verbose=False).eval()
        self._size = hparams.sampling_rate * hparams.mel_window_length // 1000
        self._hop = hparams.sampling_rate * hparams.mel_window_step // 1000

    def preprocess(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        """The recording at 16 kHz and a common level, without pauses."""
        from resemblyzer import preprocess_wav

        return preprocess_wav(wav, source_sr=sample_rate)

    @torch.inference_mode()
    def tokens(self, inputs: Sequence[np.ndarray]) -> Tensor:
        """Embeddings (B, 1, 256), equal to `VoiceEncoder.embed_utterance` of each preprocessed recording."""
        windows = [self._windows(wav) for wav in inputs]
        partials = torch.cat([self.model(batch) for batch in torch.cat(windows).split(_BATCH)])
        means = torch.stack([own.mean(dim=0) for own in partials.split([len(own) for own in windows])])
        return torch.nn.functional.normalize(means, dim=1)[:, None]

    @cached_property
    def _filters(self) -> Tensor:
        import librosa
        from resemblyzer import hparams

        bands = hparams.mel_n_channels
        return torch.from_numpy(librosa.filters.mel(sr=hparams.sampling_rate, n_fft=self._size, n_mels=bands))

    def _windows(self, wav: np.ndarray) -> Tensor:
        """Power-mel windows of one wave. Shape: (N,) -> (windows, 160, 40)."""
        wav_slices, mel_slices = self.model.compute_partial_slices(len(wav), _RATE, _MIN_COVERAGE)
        padded = np.pad(wav, (0, max(0, wav_slices[-1].stop - len(wav)))).astype(np.float32)
        spectrum = torch.stft(
            torch.from_numpy(padded), self._size, self._hop, window=torch.hann_window(self._size),
            pad_mode="constant", return_complex=True,
        )  # fmt: skip
        mel = (self._filters @ spectrum.abs().square()).T
        return torch.stack([mel[part] for part in mel_slices])

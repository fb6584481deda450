"""Resemblyzer speaker embeddings, batched over the partial windows of many utterances."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import Scorer, require

_RATE, _MIN_COVERAGE = 1.3, 0.75  # Resemblyzer's own defaults
_BATCH = 64  # windows a forward pass; LSTM steps of a few rows leave most of a core idle


class SpeakerEncoder(Scorer):
    """Unit-length Resemblyzer embedding (256,), as a list.

    Entries are never negative, so that even strangers have cosines above 0.5: judge differences, not levels.
    """

    def __init__(self) -> None:
        self.name = f"Resemblyzer {require('resemblyzer')}"

    @cached_property
    def _model(self) -> Any:
        from resemblyzer import VoiceEncoder

        return VoiceEncoder("cpu", verbose=False).eval()

    @cached_property
    def _filters(self) -> np.ndarray:
        import librosa
        from resemblyzer import hparams

        size = hparams.sampling_rate * hparams.mel_window_length // 1000
        return librosa.filters.mel(sr=hparams.sampling_rate, n_fft=size, n_mels=hparams.mel_n_channels)

    def __call__(self, wav: np.ndarray) -> list[float]:
        return self.many([wav])[0]

    def many(self, wavs: Sequence[np.ndarray]) -> list[list[float]]:
        from resemblyzer import preprocess_wav

        return self.embed([preprocess_wav(wav) for wav in wavs]).tolist()

    def embed(self, wavs: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (B, 256) of preprocessed waves, equal to `VoiceEncoder.embed_utterance` of each."""
        import torch

        windows = [self._windows(wav) for wav in wavs]
        stacked = torch.from_numpy(np.concatenate(windows))
        with torch.inference_mode():
            partials = torch.cat([self._model(batch) for batch in stacked.split(_BATCH)]).numpy()
        ends = np.cumsum([len(own) for own in windows])[:-1]
        means = np.stack([own.mean(axis=0) for own in np.split(partials, ends)])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def _windows(self, wav: np.ndarray) -> np.ndarray:
        """Power-mel windows of one wave. Shape: (N,) -> (windows, 160, 40)."""
        import torch
        from resemblyzer import hparams

        wav_slices, mel_slices = self._model.compute_partial_slices(len(wav), _RATE, _MIN_COVERAGE)
        padded = np.pad(wav, (0, max(0, wav_slices[-1].stop - len(wav)))).astype(np.float32)
        size = hparams.sampling_rate * hparams.mel_window_length // 1000
        hop = hparams.sampling_rate * hparams.mel_window_step // 1000
        spectrum = torch.stft(
            torch.from_numpy(padded),
            size,
            hop,
            window=torch.hann_window(size),
            pad_mode="constant",
            return_complex=True,
        )
        mel = (torch.from_numpy(self._filters) @ spectrum.abs().square()).T.numpy()
        return np.stack([mel[part] for part in mel_slices])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two vectors (D,)."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def centroid(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """Unit-length mean of embeddings (D,)."""
    mean = np.mean(np.asarray(embeddings), axis=0)
    return mean / np.linalg.norm(mean)

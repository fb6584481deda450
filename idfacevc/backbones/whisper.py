"""Whisper's encoder: features that follow the words of speech and hardly its speaker (Radford et al. 2022, section 2).

The layers and their names are those of `transformers`, so that its checkpoints fit. The class of `transformers` takes
exactly 30 s; this one takes what is there, which for short recordings is a tenth of the work.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.mel import LogMel
from idfacevc.config.content import WhisperSpec
from idfacevc.config.front_end import FrontEndSpec

SAMPLE_RATE = 16000
_HOP = 160
_FRAMES = 1000  # mel frames analysed at a time, 10 s
_CONTEXT = 100  # mel frames seen at each side of them, 1 s


class _Attention(nn.Module):
    """Self-attention. Shape: (B, L, D) -> (B, L, D)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out_proj(mixed.transpose(1, 2).flatten(-2))


class _Layer(nn.Module):
    """Attention and feed-forward network, each behind a norm and beside a residual path."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        self.self_attn = _Attention(dim, heads)
        self.final_layer_norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class WhisperEncoder(nn.Module):
    """Speech at 16 kHz to features at 50 Hz.

    Args:
        spec: Sizes; those of the checkpoint.
    """

    def __init__(self, spec: WhisperSpec) -> None:
        super().__init__()
        self.spec = spec
        self.conv1 = nn.Conv1d(spec.n_mels, spec.dim, 3, padding=1)
        self.conv2 = nn.Conv1d(spec.dim, spec.dim, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(spec.positions, spec.dim)
        self.layers = nn.ModuleList(_Layer(spec.dim, spec.heads) for _ in range(spec.layers))
        self.layer_norm = nn.LayerNorm(spec.dim)

    def forward(self, mel: Tensor) -> Tensor:
        """Features (B, ceil(T / 2), D) of Whisper's own log-mel (B, M, T), T at most twice the positions."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)

    @torch.inference_mode()
    def features(self, wav: np.ndarray | Tensor) -> Tensor:
        """Features (L, D) of a recording (N,), L = ceil((1 + floor(N / 160)) / 2): one for two frames of 10 ms.

        Long recordings are read in windows of 10 s that see a second of their neighbours, at fixed places: memory does
        not grow with length, and neither do the positions.
        """
        wav = torch.as_tensor(wav, dtype=torch.float32, device=self.conv1.weight.device)
        total = 1 + len(wav) // _HOP
        pieces = []
        for start in range(0, total, _FRAMES):
            stop = total if total <= start + _FRAMES + _CONTEXT else start + _FRAMES
            first = max(0, start - _CONTEXT)
            mel = whisper_mel(wav[first * _HOP : (stop + _CONTEXT) * _HOP], self.spec.n_mels)
            encoded = self(mel[None, :, : stop + _CONTEXT - first])[0]
            pieces.append(encoded[(start - first) // 2 : (stop - first + 1) // 2])
            if stop == total:
                break
        return torch.cat(pieces)


def whisper_mel(wav: Tensor, n_mels: int = 80) -> Tensor:
    """Log-mel (M, T) of a wave (N,) as Whisper reads it: log10 of the power, at most 80 dB under its peak, scaled."""
    log_mel = LogMel(FrontEndSpec(fmin=0.0, fmax=SAMPLE_RATE / 2, n_mels=n_mels)).to(wav.device)
    wav = F.pad(wav, (0, max(0, 2 * _HOP - len(wav))))
    power = torch.matmul(log_mel.filters, log_mel.magnitude(wav[None]) ** 2)[0]
    logs = power.clamp_min(1e-10).log10()
    return (logs.maximum(logs.max() - 8.0) + 4.0) / 4.0

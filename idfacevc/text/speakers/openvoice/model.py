"""Inference of a multi-speaker VITS (Kim, Kong and Son 2021) as OpenVoice V1 trains it: one sentence to a waveform.

Module names are those of the checkpoint, so that its weights load strictly. What only training needs (posterior
encoder, the variational half of the duration predictor) is absent, and so are masks, since the batch is one sentence.
Convolutions hold their effective weights: weight normalisation is folded in on loading.

Axes: T tokens, L latent frames, D features, N samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.text.speakers.length_scale import length_scale
from idfacevc.text.speakers.openvoice.durations import ChannelNorm, DurationPredictor, StochasticDurationPredictor

# Sizes that no configuration carries.
_WINDOW = 4  # relative positions of the text encoder
_FLOWS, _FLOW_LAYERS, _FLOW_KERNEL = 4, 4, 5


@dataclass(frozen=True)
class VitsSizes:
    """The `model` entry of an OpenVoice configuration, with the vocabulary and the number of speakers."""

    symbols: int
    n_speakers: int
    inter_channels: int
    hidden_channels: int
    filter_channels: int
    n_heads: int
    n_layers: int
    kernel_size: int
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    upsample_rates: tuple[int, ...]
    upsample_initial_channel: int
    upsample_kernel_sizes: tuple[int, ...]
    gin_channels: int


class RelativeAttention(nn.Module):
    """Self-attention with learned keys and values for offsets up to `_WINDOW` (Shaw et al. 2018): (1, D, T) → same."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        self.emb_rel_k = nn.Parameter(torch.zeros(1, 2 * _WINDOW + 1, channels // heads))
        self.emb_rel_v = nn.Parameter(torch.zeros(1, 2 * _WINDOW + 1, channels // heads))

    def forward(self, x: Tensor) -> Tensor:
        convs = (self.conv_q, self.conv_k, self.conv_v)
        # Each (heads, T, D / heads).
        query, key, value = (conv(x).view(self.heads, -1, x.shape[-1]).transpose(1, 2) for conv in convs)
        query = query / math.sqrt(query.shape[-1])
        place = torch.arange(x.shape[-1], device=x.device)
        offset = place[None, :] - place[:, None] + _WINDOW
        near = (offset >= 0) & (offset <= 2 * _WINDOW)
        index = offset.clamp(0, 2 * _WINDOW).expand(self.heads, -1, -1)
        local = (query @ self.emb_rel_k[0].T).gather(-1, index)
        weights = torch.softmax(query @ key.transpose(1, 2) + local * near, dim=-1)
        by_offset = weights.new_zeros(*weights.shape[:2], 2 * _WINDOW + 1).scatter_add(-1, index, weights * near)
        mixed = weights @ value + by_offset @ self.emb_rel_v[0]
        return self.conv_o(mixed.transpose(1, 2).reshape(1, -1, x.shape[-1]))


class FeedForward(nn.Module):
    def __init__(self, channels: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, hidden, kernel, padding="same")
        self.conv_2 = nn.Conv1d(hidden, channels, kernel, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_2(torch.relu(self.conv_1(x)))


class Transformer(nn.Module):
    """Post-norm transformer: (1, D, T) → same."""

    def __init__(self, sizes: VitsSizes) -> None:
        super().__init__()
        width, layers = sizes.hidden_channels, range(sizes.n_layers)
        self.attn_layers = nn.ModuleList(RelativeAttention(width, sizes.n_heads) for _ in layers)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(width) for _ in layers)
        self.ffn_layers = nn.ModuleList(FeedForward(width, sizes.filter_channels, sizes.kernel_size) for _ in layers)
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(width) for _ in layers)

    def forward(self, x: Tensor) -> Tensor:
        for attend, norm_1, feed, norm_2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm_1(x + attend(x))
            x = norm_2(x + feed(x))
        return x


class TextEncoder(nn.Module):
    """Tokens (1, T) → hidden (1, D, T), prior mean and log standard deviation (1, inter, T)."""

    def __init__(self, sizes: VitsSizes) -> None:
        super().__init__()
        self.emb = nn.Embedding(sizes.symbols, sizes.hidden_channels)
        self.encoder = Transformer(sizes)
        self.proj = nn.Conv1d(sizes.hidden_channels, 2 * sizes.inter_channels, 1)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.encoder(self.emb(tokens).transpose(1, 2) * math.sqrt(self.emb.embedding_dim))
        mean, log_std = self.proj(x).chunk(2, dim=1)
        return x, mean, log_std


class WaveNet(nn.Module):
    """Gated convolutions conditioned on the style: (1, D, L) → same."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        last = _FLOW_LAYERS - 1
        self.cond_layer = nn.Conv1d(style, 2 * width * _FLOW_LAYERS, 1)
        self.in_layers = nn.ModuleList(
            nn.Conv1d(width, 2 * width, _FLOW_KERNEL, padding="same") for _ in range(_FLOW_LAYERS)
        )
        self.res_skip_layers = nn.ModuleList(
            nn.Conv1d(width, width if i == last else 2 * width, 1) for i in range(_FLOW_LAYERS)
        )

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        skip = torch.zeros_like(x)
        conditions = self.cond_layer(style).chunk(_FLOW_LAYERS, dim=1)
        for spread, merge, condition in zip(self.in_layers, self.res_skip_layers, conditions, strict=True):
            content, gate = (spread(x) + condition).chunk(2, dim=1)
            merged = merge(torch.tanh(content) * torch.sigmoid(gate))
            if merged.shape[1] > x.shape[1]:  # the last layer has no residual half
                residual, merged = merged.chunk(2, dim=1)
                x = x + residual
            skip = skip + merged
        return skip


class FlowCoupling(nn.Module):
    """Inverse of a mean-only coupling layer: (1, inter, L) → same."""

    def __init__(self, sizes: VitsSizes) -> None:
        super().__init__()
        self.pre = nn.Conv1d(sizes.inter_channels // 2, sizes.hidden_channels, 1)
        self.enc = WaveNet(sizes.hidden_channels, sizes.gin_channels)
        self.post = nn.Conv1d(sizes.hidden_channels, sizes.inter_channels // 2, 1)

    def forward(self, z: Tensor, style: Tensor) -> Tensor:
        first, second = z.chunk(2, dim=1)
        return torch.cat([first, second - self.post(self.enc(self.pre(first), style))], dim=1)


class Flow(nn.Module):
    """Prior latent (1, inter, L) → the decoder's latent. The checkpoint's odd places are flips."""

    def __init__(self, sizes: VitsSizes) -> None:
        super().__init__()
        self.flows = nn.ModuleDict({str(2 * i): FlowCoupling(sizes) for i in range(_FLOWS)})

    def forward(self, z: Tensor, style: Tensor) -> Tensor:
        for place in reversed(range(_FLOWS)):
            z = self.flows[str(2 * place)](z.flip(1), style)
        return z


class DecoderBlock(nn.Module):
    """HiFi-GAN's residual block of type 1: (1, D, N) → same."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=dilation, padding="same") for dilation in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding="same") for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, 0.1)), 0.1))
        return x


class HifiGan(nn.Module):
    """Latent (1, inter, L) and style (1, G, 1) → waveform (1, 1, N) within ±1 (Kong, Kim and Bae 2020)."""

    def __init__(self, sizes: VitsSizes) -> None:
        super().__init__()
        width = sizes.upsample_initial_channel
        self.conv_pre = nn.Conv1d(sizes.inter_channels, width, 7, padding=3)
        self.cond = nn.Conv1d(sizes.gin_channels, width, 1)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(sizes.upsample_rates, sizes.upsample_kernel_sizes, strict=True):
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=(kernel - rate) // 2))
            width //= 2
            for size, dilations in zip(sizes.resblock_kernel_sizes, sizes.resblock_dilation_sizes, strict=True):
                self.resblocks.append(DecoderBlock(width, size, dilations))
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=False)

    def forward(self, z: Tensor, style: Tensor) -> Tensor:
        x = self.conv_pre(z) + self.cond(style)
        branches = len(self.resblocks) // len(self.ups)
        for index, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            blocks = self.resblocks[index * branches : (index + 1) * branches]
            x = torch.stack([block(x) for block in blocks]).mean(0)
        return torch.tanh(self.conv_post(F.leaky_relu(x)))  # slope 0.01 here


class Vits(nn.Module):
    """The whole of it; the style is a speaker of the checkpoint."""

    def __init__(self, sizes: VitsSizes) -> None:
        super().__init__()
        self.enc_p = TextEncoder(sizes)
        self.sdp = StochasticDurationPredictor(sizes.hidden_channels, sizes.gin_channels)
        self.dp = DurationPredictor(sizes.hidden_channels, sizes.gin_channels)
        self.flow = Flow(sizes)
        self.dec = HifiGan(sizes)
        self.emb_g = nn.Embedding(sizes.n_speakers, sizes.gin_channels)

    def load_checkpoint(self, weights: dict[str, Tensor]) -> None:
        """Take the weights of a checkpoint's `model` entry; a missing, unknown or misshapen one is a `RuntimeError`."""
        unused = ("enc_q.", "sdp.post_", "sdp.flows.1.")
        kept = {key: value for key, value in weights.items() if not key.startswith(unused)}
        for key in [key for key in kept if key.endswith(".weight_g")]:
            stem = key.removesuffix("_g")
            gain, direction = kept.pop(key), kept.pop(stem + "_v")
            kept[stem] = gain * direction / direction.norm(dim=(1, 2), keepdim=True)
        self.load_state_dict(kept)

    def forward(
        self,
        tokens: Tensor,
        speaker: int,
        speed: float,
        seed: int,
        noise_scale: float,
        noise_scale_w: float,
        sdp_ratio: float,
    ) -> Tensor:
        """Waveform (N,) within ±1 of the tokens (T,).

        Args:
            noise_scale: of the latent, `noise_scale_w` of the durations.
            sdp_ratio: share of the stochastic predictor in the log durations.
        """
        chance = torch.Generator().manual_seed(seed)
        style = self.emb_g.weight[speaker][None, :, None]
        hidden, mean, log_std = self.enc_p(tokens[None])
        noise = torch.randn(1, 2, len(tokens), generator=chance) * noise_scale_w
        log_durations = sdp_ratio * self.sdp(hidden, style, noise) + (1 - sdp_ratio) * self.dp(hidden, style)
        frames = torch.ceil(log_durations.exp() * length_scale(log_durations, speed)).long()[0, 0]
        mean, log_std = mean.repeat_interleave(frames, dim=2), log_std.repeat_interleave(frames, dim=2)
        latent = mean + torch.randn(mean.shape, generator=chance) * log_std.exp() * noise_scale
        return self.dec(self.flow(latent, style), style)[0, 0]

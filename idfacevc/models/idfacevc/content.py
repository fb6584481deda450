"""Content encoder with vector quantisation (VQMIVC sizes)."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.mel import cepstral_lifter
from idfacevc.config.content import LifterSpec, VqcpcSpec
from idfacevc.nn import distributed


class Quantized(NamedTuple):
    """z_q (B, L, D) with straight-through gradient, commitment loss (), perplexity (), codes (B, L).

    Of an encoder that does not quantise, the codes are z itself, loss and perplexity are 0.
    """

    z_q: Tensor
    loss: Tensor
    perplexity: Tensor
    codes: Tensor


class VectorQuantizer(nn.Module):
    """Nearest code in L2 with an exponential-moving-average codebook.

    The codebook moves only in training mode and while `update` is true; buffers change in place, so that copies and
    distributed wrappers keep seeing them. Where several processes train together, it moves by the sums of them all.
    """

    codebook: Tensor
    count: Tensor
    weight: Tensor

    def __init__(self, spec: VqcpcSpec) -> None:
        super().__init__()
        self.spec = spec
        self.update = True
        initial = torch.empty(spec.codes, spec.dim).uniform_(-1 / spec.codes, 1 / spec.codes)
        self.register_buffer("codebook", initial)
        self.register_buffer("count", torch.zeros(spec.codes))
        self.register_buffer("weight", initial.clone())

    def forward(self, z_e: Tensor) -> Quantized:
        """z_e (B, L, D) -> `Quantized`. Distances are taken in float32 under any precision."""
        with torch.autocast(z_e.device.type, enabled=False):
            flat = z_e.detach().float().flatten(0, 1)
            distances = (self.codebook**2).sum(1) - 2 * flat @ self.codebook.T
            codes = distances.argmin(dim=1)
            z_q = F.embedding(codes, self.codebook).view_as(z_e)
            if self.training and self.update:
                self._move_codebook(flat, codes)
            loss = self.spec.commitment * F.mse_loss(z_e.float(), z_q)
        # the gradient of z_q is handed to z_e unchanged
        straight_through = z_e + (z_q - z_e).detach()
        usage = torch.bincount(codes, minlength=self.spec.codes).float() / len(codes)
        perplexity = torch.exp(-(usage * torch.log(usage + 1e-10)).sum())
        return Quantized(straight_through, loss, perplexity, codes.view(z_e.shape[:-1]))

    @torch.no_grad()
    def _move_codebook(self, flat: Tensor, codes: Tensor) -> None:
        decay, epsilon = self.spec.decay, 1e-5
        one_hot = F.one_hot(codes, self.spec.codes).to(flat.dtype)
        used, sums = distributed.sum_(one_hot.sum(0)), distributed.sum_(one_hot.T @ flat)
        count = self.count.mul(decay).add_(used, alpha=1 - decay)
        total = count.sum()
        # Laplace smoothing keeps unused codes from dividing by zero
        self.count.copy_((count + epsilon) / (total + self.spec.codes * epsilon) * total)
        self.weight.mul_(decay).add_(sums, alpha=1 - decay)
        self.codebook.copy_(self.weight / self.count[:, None])
        if self.spec.restart_threshold > 0:
            self._restart_dead_codes(flat)

    def _restart_dead_codes(self, flat: Tensor) -> None:
        dead = self.count < self.spec.restart_threshold
        number = int(dead.sum())
        if number == 0:
            return
        fresh = distributed.share_(flat[torch.randint(len(flat), (number,), device=flat.device)])
        self.codebook[dead] = fresh
        self.weight[dead] = fresh * self.spec.restart_threshold
        self.count[dead] = self.spec.restart_threshold


def lifted(mel: Tensor, spec: LifterSpec | None) -> Tensor:
    """The mel that a content encoder reads. Shape: (B, M, T) -> (B, M, T)."""
    return mel if spec is None else cepstral_lifter(mel, spec.cutoff, spec.basis)


class ContentEncoder(nn.Module):
    """Mel to content codes at half the frame rate.

    Shape: normalised mel (B, M, T) -> z (B, floor(T / 2), D).
    """

    reach = 1  # mel frames that a code sees beyond the two that it stands for

    def __init__(self, spec: VqcpcSpec, n_mels: int) -> None:
        super().__init__()
        self.spec = spec
        self.conv = nn.Conv1d(n_mels, spec.hidden, 4, 2, 1, bias=False)
        layers: list[nn.Module] = [nn.LayerNorm(spec.hidden), nn.ReLU()]
        for _ in range(spec.layers):
            layers += [nn.Linear(spec.hidden, spec.hidden, bias=False), nn.LayerNorm(spec.hidden), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(spec.hidden, spec.dim))
        self.quantizers = nn.ModuleList(VectorQuantizer(spec) for _ in range(spec.codebooks))

    def encode(self, mel: Tensor) -> Tensor:
        """z_e (B, L, D), before quantisation."""
        return self.layers(self.conv(lifted(mel, self.spec.lifter)).transpose(1, 2))

    def quantize(self, z_e: Tensor) -> Quantized:
        """Residual quantisation; with one codebook this is the plain one. Perplexity is that of the first codebook."""
        total = torch.zeros_like(z_e)
        loss = z_e.new_zeros(())
        results = []
        for quantizer in self._quantizers:
            result = quantizer(z_e - total.detach())
            results.append(result)
            total = total + result.z_q.detach()
            loss = loss + result.loss
        codes = torch.stack([result.codes for result in results], dim=-1)
        return Quantized(z_e + (total - z_e).detach(), loss, results[0].perplexity, codes)

    def lookup(self, codes: Tensor) -> Tensor:
        """Content z_q (..., L, D) of codes (..., L, codebooks)."""
        books = torch.stack([quantizer.codebook for quantizer in self._quantizers])
        return books[torch.arange(len(books), device=codes.device), codes.long()].sum(dim=-2)

    def forward(self, mel: Tensor) -> Quantized:
        """`Quantized` of a normalised mel (B, M, T); codes are (B, L, codebooks)."""
        return self.quantize(self.encode(mel))

    def freeze_codebook(self, frozen: bool) -> None:
        """Hold the moving averages still, or let them move again in training mode."""
        for quantizer in self._quantizers:
            quantizer.update = not frozen

    @property
    def _quantizers(self) -> list[VectorQuantizer]:
        return cast("list[VectorQuantizer]", list(self.quantizers))

"""More contrast along frequency for a decoded mel, as post-filters of statistical speech synthesis give it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.post_filter import PostFilterSpec


class SpectralContrast(nn.Module):
    """Takes a mel away from its own smooth envelope: m + contrast * (m - smooth(m)), frame by frame.

    A decoder that lowers an L1 distance answers with the middle of all mels that could follow. Formants in it are wider
    and flatter than in any one of them. Post-filters of speech coders and of statistical synthesis sharpen them again.

    Shape: log-mel (B, M, T) -> the same.
    """

    kernel: Tensor

    def __init__(self, spec: PostFilterSpec) -> None:
        super().__init__()
        self.contrast = spec.contrast
        self.reach = round(3 * spec.width)
        place = torch.arange(-self.reach, self.reach + 1, device="cpu") / spec.width
        kernel = torch.exp(-0.5 * place**2)
        self.register_buffer("kernel", (kernel / kernel.sum())[None, None], persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        if not self.contrast:
            return mel
        frames = mel.transpose(1, 2).flatten(0, 1)[:, None]
        smooth = F.conv1d(F.pad(frames, (self.reach, self.reach), "replicate"), self.kernel)
        return mel + self.contrast * (mel - smooth[:, 0].unflatten(0, (mel.shape[0], -1)).transpose(1, 2))

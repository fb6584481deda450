"""Frozen CLIP tokens, the paper's face backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from idfacevc.backbones.base import pixels
from idfacevc.backbones.pretrained import load_frozen
from idfacevc.config.face import ClipSpec
from idfacevc.errors import InputError

# OpenAI's preprocessing constants, the same for every CLIP model
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


class ClipBackbone:
    """A hidden state of a CLIP vision transformer, before its last norm.

    Shape: crops -> tokens (B, P, D): ViT-B/32 has P = 50 (49 patches and the class token in front), D = 768.

    Raises:
        InputError: where the model is not on this machine (nothing is fetched here), or its width is not `token_dim`.
    """

    def __init__(self, spec: ClipSpec, token_dim: int, device: torch.device | str = "cpu") -> None:
        from transformers import CLIPVisionModel

        model = load_frozen(CLIPVisionModel, spec.name, spec.revision, token_dim, "face backbone", device)
        states = model.config.num_hidden_layers + 1
        if not -states <= spec.layer < states:
            raise InputError(f"{spec.name}: has {states} hidden states, none at {spec.layer}")
        self.spec = spec
        self.model = model
        self._mean = torch.tensor(_MEAN, device=device)[:, None, None]
        self._std = torch.tensor(_STD, device=device)[:, None, None]

    @torch.no_grad()
    def tokens(self, images: Sequence[Image.Image]) -> Tensor:
        size = self.model.config.image_size
        batch = torch.cat([pixels(image, size, Image.Resampling.BICUBIC) for image in images]).to(self._mean.device)
        output = self.model((batch - self._mean) / self._std, output_hidden_states=True)
        hidden = output.hidden_states[self.spec.layer]
        return (hidden[:, 1:] if self.spec.drop_cls else hidden).float()

"""FaceNet embeddings (FVMVC's face features) as a single token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from idfacevc.backbones.base import pixels
from idfacevc.config.face import FaceNetSpec
from idfacevc.errors import InputError, optional

_SIZE = 160


class FaceNetBackbone:
    """InceptionResnetV1 of facenet-pytorch. Shape: crops -> (B, 1, 512).

    `spec.name` is a file of its weights, such as `20180402-114759-vggface2.pt` of facenet-pytorch's releases.

    Raises:
        InputError: without facenet-pytorch or the file, or with a file of other weights.
    """

    def __init__(self, spec: FaceNetSpec, device: torch.device | str = "cpu") -> None:
        needed = "the face backbone 'facenet' needs facenet-pytorch: pip install 'idfacevc[face]'"
        with optional("facenet_pytorch", needed):
            from facenet_pytorch import InceptionResnetV1
        path = Path(spec.name)
        if not path.is_file():
            raise InputError(f"the face backbone 'facenet' reads a file of weights; there is none at {path}")
        model = InceptionResnetV1(pretrained=None)
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            # the released files hold the classifier too
            model.load_state_dict({key: value for key, value in weights.items() if not key.startswith("logits.")})
        except Exception as error:  # torch.load and pickle raise whatever they meet in a foreign file
            raise InputError(f"{path}: holds no weights of InceptionResnetV1") from error
        self.model = model.to(device).eval().requires_grad_(False)

    @torch.no_grad()
    def tokens(self, images: Sequence[Image.Image]) -> Tensor:
        device = next(self.model.parameters()).device
        batch = torch.cat([pixels(image, _SIZE, Image.Resampling.BILINEAR) for image in images]).to(device)
        # (x - 127.5) / 128 of 8-bit values, which FaceNet was trained on
        return self.model((batch * 255 - 127.5) / 128)[:, None]

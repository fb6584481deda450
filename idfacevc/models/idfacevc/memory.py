"""Face-voice memory (FVMVC): a face is answered by a mixture of voices."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.config.memory import FaceVoiceMemorySpec


class FaceVoiceMemory(nn.Module):
    """Face keys and speech values of equal count; a cosine softmax over the slots addresses them.

    The speech values are keys and values in one for speech; the face path has keys of its own.

    Shape: e_s, e_f (B, D) -> address (B, S), recall (B, D).
    """

    def __init__(self, spec: FaceVoiceMemorySpec) -> None:
        super().__init__()
        self.face_keys = nn.Parameter(torch.empty(spec.slots, spec.dim).normal_(std=spec.init_std))
        self.speech_values = nn.Parameter(torch.empty(spec.slots, spec.dim).normal_(std=spec.init_std))
        self.scale = nn.Parameter(torch.tensor(float(spec.scale)), requires_grad=False)
        self.sharpness, self.unit = spec.sharpness, spec.unit

    def voice_of_face(self, e_f: Tensor) -> tuple[Tensor, Tensor]:
        """What is recalled for face vectors (B, D), and the logarithm of the address (B, S)."""
        log_address = self.log_face_address(e_f)
        return self.recall(log_address), log_address

    def log_speech_address(self, e_s: Tensor) -> Tensor:
        """Logarithm of the speech address (B, S)."""
        return self._log_address(e_s, self.speech_values)

    def log_face_address(self, e_f: Tensor) -> Tensor:
        """Logarithm of the face address (B, S)."""
        return self._log_address(e_f, self.face_keys)

    def recall(self, log_address: Tensor) -> Tensor:
        """The mixture of speech values that an address picks, (B, D); it lies in their hull."""
        return log_address.exp() @ self.speech_values

    def voice(self, e_f: Tensor) -> Tensor:
        """A face's voice (B, D) at inference: the recall of its address, sharpened, and of unit length if so set."""
        recalled = self.recall(torch.log_softmax(self.sharpness * self.log_face_address(e_f), dim=-1))
        return F.normalize(recalled, dim=-1) if self.unit else recalled

    def _log_address(self, vector: Tensor, keys: Tensor) -> Tensor:
        cosine = F.normalize(vector, dim=-1) @ F.normalize(keys, dim=-1).T
        return torch.log_softmax(self.scale * cosine, dim=-1)

"""Frozen CLAP tokens of speech, the paper's speaker features (OPEN 8, 9)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from idfacevc.backbones.pretrained import load_frozen, not_here
from idfacevc.config.speech import ClapSafpqSpec

_ROLE = "speech backbone"
_BATCH = 8  # recordings a pass: the first stage of HTSAT takes 20 MB for each


class ClapBackbone:
    """The audio tower of a CLAP model (HTSAT), its time tokens averaged over the frequency groups.

    Shape: recordings -> tokens (B, P, D), (B, 32, 1024) for HTSAT-base; with the tap "pooled" (B, 1, D).

    Raises:
        InputError: where the model is not on this machine (nothing is fetched here), or its width is not `token_dim`.
    """

    def __init__(self, spec: ClapSafpqSpec, device: torch.device | str = "cpu") -> None:
        from transformers import ClapAudioModel, ClapFeatureExtractor

        self.model = load_frozen(
            ClapAudioModel, spec.name, spec.revision, spec.token_dim, _ROLE, device,
            key_mapping={r"^audio_model\.": ""},  # the hub's files hold the text side too
        )  # fmt: skip
        try:
            self.extractor = ClapFeatureExtractor.from_pretrained(
                spec.name, revision=spec.revision or "main", local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise not_here(_ROLE, spec.name) from error
        self.spec = spec
        self.device = device

    def preprocess(self, wav: np.ndarray, sample_rate: int) -> Tensor:
        """Log-mel (1, 1, frames, bands) of ten seconds at the model's own rate, 48 kHz.

        Recordings beyond that give their centre, shorter ones are repeated: nothing is random.
        """
        from scipy.signal import resample_poly

        rate = self.extractor.sampling_rate
        ratio = Fraction(rate, sample_rate)
        samples = resample_poly(wav, ratio.numerator, ratio.denominator).astype(np.float32)
        excess = len(samples) - self.extractor.nb_max_samples
        if excess > 0:  # the extractor itself would cut at random
            samples = samples[excess // 2 : excess // 2 + self.extractor.nb_max_samples]
        return self.extractor(samples, sampling_rate=rate, return_tensors="pt")["input_features"]

    @torch.no_grad()
    def tokens(self, inputs: Sequence[Tensor]) -> Tensor:
        return torch.cat([self._pass(batch) for batch in torch.cat(list(inputs)).split(_BATCH)])

    def _pass(self, batch: Tensor) -> Tensor:
        output = self.model(batch.to(self.device))
        if self.spec.tap == "pooled":
            return output.pooler_output[:, None].float()
        # (B, D, frequency groups, time)
        return output.last_hidden_state.mean(dim=2).transpose(1, 2).float()

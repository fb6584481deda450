"""Frozen CLAP tokens of speech, the paper's speaker features (OPEN 8, 9)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from idfacevc.config import SpeechSpec
from idfacevc.errors import InputError


class ClapTokens:
    """The audio tower of a CLAP model (HTSAT), its time tokens averaged over the frequency groups.

    Recordings beyond the model's ten seconds give their centre, shorter ones are repeated: nothing is random.

    Shape: wav (N,) -> tokens (P, D), (32, 1024) for HTSAT-base; with the tap "pooled" (1, D).

    Raises:
        InputError: where the model is not on this machine (nothing is fetched here), or its width is not `token_dim`.
    """

    def __init__(self, spec: SpeechSpec, device: torch.device | str = "cpu") -> None:
        from transformers import ClapAudioModel, ClapFeatureExtractor

        revision = spec.revision or "main"  # without effect on a folder
        try:
            self.extractor = ClapFeatureExtractor.from_pretrained(spec.name, revision=revision, local_files_only=True)
            loaded: Any = ClapAudioModel.from_pretrained(
                spec.name, revision=revision, local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"the speech backbone {spec.name} is not on this machine; run `idfacevc download` once with a network"
            ) from error
        model, report = loaded
        if missing := sorted(report["missing_keys"]):
            raise InputError(f"{spec.name}: is no CLAP model, it lacks {missing[0]}")
        if model.config.hidden_size != spec.token_dim:
            raise InputError(
                f"{spec.name}: its tokens are {model.config.hidden_size} wide, not {spec.token_dim} as configured"
            )
        self.spec = spec
        self.device = device
        self.model = model.to(device).eval().requires_grad_(False)

    def features(self, wav: np.ndarray, sample_rate: int) -> Tensor:
        """The model's input, a log-mel (1, 1, frames, bands), of a recording at any rate."""
        from scipy.signal import resample_poly

        rate = self.extractor.sampling_rate
        ratio = Fraction(rate, sample_rate)
        samples = resample_poly(wav, ratio.numerator, ratio.denominator).astype(np.float32)
        excess = len(samples) - self.extractor.nb_max_samples
        if excess > 0:  # the extractor itself would cut at random
            samples = samples[excess // 2 : excess // 2 + self.extractor.nb_max_samples]
        return self.extractor(samples, sampling_rate=rate, return_tensors="pt")["input_features"]

    @torch.no_grad()
    def __call__(self, wav: np.ndarray, sample_rate: int) -> Tensor:
        output = self.model(self.features(wav, sample_rate).to(self.device))
        if self.spec.tap == "pooled":
            return output.pooler_output.float()
        # (1, D, frequency groups, time)
        return output.last_hidden_state[0].mean(dim=1).T.float()

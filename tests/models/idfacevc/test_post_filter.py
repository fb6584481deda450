"""The post-filter of decoded mels."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from idfacevc.config.post_filter import PostFilterSpec
from idfacevc.models.idfacevc.post_filter import SpectralContrast


def test_it_adds_what_smoothing_takes_away() -> None:
    mel = torch.randn(2, 80, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    made = SpectralContrast(PostFilterSpec(contrast=0.7, width=4.0)).double()(mel)
    smooth = gaussian_filter1d(mel.numpy(), 4.0, axis=1, mode="nearest", truncate=3.0)
    np.testing.assert_allclose(made, mel + 0.7 * (mel - smooth), rtol=1e-5, atol=1e-6)


def test_without_contrast_and_on_flat_spectra_nothing_changes() -> None:
    mel = torch.randn(1, 80, 5)
    assert torch.equal(SpectralContrast(PostFilterSpec())(mel), mel)
    flat = torch.linspace(-4, 0, 9).expand(1, 80, 9)
    torch.testing.assert_close(SpectralContrast(PostFilterSpec(contrast=1.0))(flat), flat)

"""The vocoder's losses are those of the package parallel-wavegan, and of the formulas."""

import numpy as np
import pytest
import scipy.signal
import torch

from idfacevc.losses.adversarial import discriminator_loss, generator_loss
from idfacevc.losses.stft import MultiResolutionSTFTLoss, Resolution
from tests.vocoders.upstream import upstream


def waves() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(2, 4000, generator=generator) * torch.linspace(0, 1, 4000)
    return real + 0.3 * torch.randn(2, 4000, generator=generator), real


def test_stft_losses_equal_upstreams() -> None:
    upstream()
    from parallel_wavegan.losses import stft_loss

    # their call of torch.stft asks for a form of result that torch no longer gives
    def stft(x, n_fft, hop, win, window):
        power = torch.stft(x, n_fft, hop, win, window, return_complex=True).abs() ** 2
        return power.clamp(min=1e-7).sqrt().transpose(2, 1)

    with pytest.MonkeyPatch.context() as patch:
        try:
            stft_loss.stft(torch.randn(1, 600), 512, 50, 240, torch.hann_window(240))
        except RuntimeError:
            patch.setattr(stft_loss, "stft", stft)
        wanted = stft_loss.MultiResolutionSTFTLoss()(*waves())
    torch.testing.assert_close(MultiResolutionSTFTLoss()(*waves()), wanted, atol=1e-5, rtol=1e-5)


def test_stft_losses_follow_the_formulas() -> None:
    made, real = waves()

    def magnitude(wave: torch.Tensor) -> np.ndarray:
        padded = np.pad(wave.double().numpy(), ((0, 0), (128, 128)), mode="reflect")
        window = np.pad(scipy.signal.get_window("hann", 200), 28)
        frames = np.lib.stride_tricks.sliding_window_view(padded, 256, axis=1)[:, ::64]
        return np.maximum(np.abs(np.fft.rfft(frames * window)) ** 2, 1e-7) ** 0.5

    ours, theirs = magnitude(made), magnitude(real)
    convergence, distance = MultiResolutionSTFTLoss([Resolution(256, 64, 200)])(made, real)
    assert float(convergence) == pytest.approx(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs), rel=1e-4)
    assert float(distance) == pytest.approx(np.abs(np.log(ours) - np.log(theirs)).mean(), rel=1e-4)


def test_equal_waves_are_at_no_distance_and_silence_has_gradients() -> None:
    real = waves()[1]
    assert all(float(loss) == 0 for loss in MultiResolutionSTFTLoss()(real, real))
    silence = torch.zeros(2, 4000, requires_grad=True)
    sum(MultiResolutionSTFTLoss()(silence, real)).backward()
    assert silence.grad is not None and torch.isfinite(silence.grad).all()


def test_adversarial_losses_equal_upstreams() -> None:
    upstream()
    from parallel_wavegan.losses import DiscriminatorAdversarialLoss, GeneratorAdversarialLoss

    made, real = torch.randn(2, 1, 50), torch.randn(2, 1, 50)
    torch.testing.assert_close(generator_loss(made), GeneratorAdversarialLoss()(made))
    torch.testing.assert_close(discriminator_loss(real, made), DiscriminatorAdversarialLoss()(made, real))
    assert float(generator_loss(torch.ones(3))) == 0
    assert discriminator_loss(torch.ones(3), torch.zeros(3)) == (0, 0)

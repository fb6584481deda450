import torch

from idfacevc.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from idfacevc.nn.mel_discriminator import MultiscaleDiscriminator


def test_losses_by_hand():
    real, made = torch.tensor([1.0, 0.5]), torch.tensor([0.0, 1.0])
    assert [term.item() for term in discriminator_loss(real, made)] == [0.125, 0.5]
    assert generator_loss(made).item() == 0.5
    assert feature_matching_loss([torch.ones(1, 4), real], [torch.zeros(1, 4), real]).item() == 0.5
    assert sum(discriminator_loss(torch.full((3,), 0.9), torch.zeros(3), target=0.9)).item() == 0.0


def test_recordings_are_constant_for_feature_matching():
    real, made = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    feature_matching_loss([real], [made]).backward()
    assert real.grad is None and made.grad is not None


def test_a_discriminator_learns_to_tell_blurred_mels():
    torch.manual_seed(0)
    model = MultiscaleDiscriminator(80, scales=2, blocks=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(60):
        real = torch.randn(8, 80, 32)
        blurred = torch.nn.functional.avg_pool1d(real, 5, 1, 2)
        loss = sum(discriminator_loss(model(real)[-1], model(blurred)[-1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    real = torch.randn(8, 80, 32)
    blurred = torch.nn.functional.avg_pool1d(real, 5, 1, 2)
    assert model(real)[-1].mean() > model(blurred)[-1].mean() + 0.5


def test_scores_are_of_whole_mels_at_each_scale():
    maps = MultiscaleDiscriminator(80, scales=3, blocks=1)(torch.zeros(2, 80, 128))
    assert maps[-1].shape == (2, 3)

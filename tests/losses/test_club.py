import pytest
import torch

from idfacevc.losses.mutual_information import VClub


def fit(club, speaker, content, steps=200):
    optimizer = torch.optim.Adam(club.parameters(), 3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        (-club.log_likelihood(speaker, content)).backward()
        optimizer.step()


def test_closed_form_equals_the_double_sum():
    torch.manual_seed(0)
    club = VClub(6, 3, 16).double()
    speaker, content = torch.randn(5, 6).double(), torch.randn(5, 4, 3).double()
    mean, log_variance = club.mean(speaker), club.log_variance(speaker)

    def log_q(j, i):
        return (-((mean[i] - content[j]) ** 2) / log_variance[i].exp() - log_variance[i]).sum(-1).mean() / 2

    brute = sum(log_q(i, i) - log_q(j, i) for i in range(5) for j in range(5)) / 25
    torch.testing.assert_close(club.estimate(speaker, content), brute)


@pytest.mark.parametrize("estimator", ["vclub_full", "sampled"])
def test_near_zero_for_independent_and_rising_with_correlation(estimator):
    torch.manual_seed(0)
    bounds = []
    for correlation in (0.0, 0.6, 0.95):
        speaker = torch.randn(2048, 4)
        noise = torch.randn(2048, 1, 4)
        content = correlation * speaker[:, None] + (1 - correlation**2) ** 0.5 * noise
        club = VClub(4, 4, 64, estimator)
        fit(club, speaker, content)
        fresh = torch.randn(2048, 4)
        new = correlation * fresh[:, None] + (1 - correlation**2) ** 0.5 * torch.randn(2048, 1, 4)
        bounds.append(torch.stack([club.estimate(fresh, new) for _ in range(5)]).mean().item())
    assert abs(bounds[0]) < 0.2
    assert bounds[0] < bounds[1] < bounds[2] and bounds[2] > 0.8


def test_gradient_reaches_speaker_and_content():
    club = VClub(4, 3, 16)
    speaker, content = torch.randn(5, 4, requires_grad=True), torch.randn(5, 2, 3, requires_grad=True)
    club.estimate(speaker, content).backward()
    assert speaker.grad.abs().sum() > 0 and content.grad.abs().sum() > 0

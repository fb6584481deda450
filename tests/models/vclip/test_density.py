"""The mixture density network against maximum likelihood, a closed form and its own samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm

from idfacevc.models.vclip.density import MixtureDensity
from idfacevc.models.vclip.prior import Mixture


def test_density_is_that_of_the_mixture():
    torch.manual_seed(0)
    net, condition, vectors = MixtureDensity(3, 4, 2), torch.randn(5, 3), torch.randn(5, 4)
    log_weights, means, deviations = (values.detach().numpy() for values in net.parameters_of(condition))
    parts = norm.pdf(vectors.numpy()[:, None], means, deviations).prod(axis=2)
    assert np.allclose(net.log_prob(vectors, condition).detach(), np.log((np.exp(log_weights) * parts).sum(axis=1)))


def test_with_one_condition_it_reaches_maximum_likelihood():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(-2, 0.5, (150, 2)), rng.normal(2, 1, (350, 2))])
    wanted = Mixture.fit(points, components=2, variance=1.0).log_prob(points).mean()
    torch.manual_seed(0)
    net, vectors, condition = MixtureDensity(1, 2, 2), torch.tensor(points, dtype=torch.float32), torch.ones(500, 1)
    with torch.no_grad():
        net.means.bias.copy_(torch.tensor([-1.0, -1.0, 1.0, 1.0]))
    optimiser = torch.optim.Adam(net.parameters(), 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        net.loss(vectors, condition).backward()
        optimiser.step()
    assert net.log_prob(vectors, condition).mean().item() == pytest.approx(wanted, rel=0.01)
    drawn = net.sample(torch.ones(20_000, 1), seed=3)
    assert torch.equal(drawn, net.sample(torch.ones(20_000, 1), seed=3))
    assert np.allclose(drawn.mean(dim=0), points.mean(axis=0), atol=0.1)


def test_a_table_of_speakers_gets_no_gradient():
    table = torch.randn(6, 4, requires_grad=True)
    net = MixtureDensity(2, 4)
    net.loss(table, torch.randn(6, 2)).backward()
    assert table.grad is None and net.means.weight.grad is not None

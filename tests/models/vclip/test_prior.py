"""The mixture against SciPy, an integral, and the moments of its samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from idfacevc.errors import InputError
from idfacevc.models.vclip.prior import Mixture, nearest_distances, nobody

MIXTURE = Mixture(
    mean=np.zeros(2),
    basis=np.eye(2),
    weights=np.array([0.3, 0.7]),
    means=np.array([[0.0, 0.0], [2.0, 1.0]]),
    variances=np.square([[1.0, 0.5], [0.5, 2.0]]),
)


def test_density():
    assert MIXTURE.log_prob(np.array([[1.0, 1.0]]))[0] == pytest.approx(-3.775918, abs=1e-5)
    points = np.random.default_rng(0).normal(size=(20, 2))
    parts = [
        weight * norm.pdf(points, mean, np.sqrt(variance)).prod(axis=1)
        for weight, mean, variance in zip(MIXTURE.weights, MIXTURE.means, MIXTURE.variances, strict=True)
    ]
    assert np.allclose(MIXTURE.log_prob(points), np.log(sum(parts)))
    axis = np.linspace(-12, 14, 400)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert np.exp(MIXTURE.log_prob(grid)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-3)


def test_samples_have_the_moments_of_the_mixture():
    for temperature in (1.0, 0.5):
        drawn = MIXTURE.sample(200_000, 0, temperature)
        mean = MIXTURE.weights @ MIXTURE.means
        wanted = sum(
            weight * (temperature**2 * np.diag(variance) + np.outer(centre, centre))
            for weight, centre, variance in zip(MIXTURE.weights, MIXTURE.means, MIXTURE.variances, strict=True)
        ) - np.outer(mean, mean)
        assert np.allclose(drawn.mean(axis=0), mean, atol=0.03)
        assert np.allclose(np.cov(drawn.T), wanted, rtol=0.03, atol=0.03)
    assert {tuple(point) for point in MIXTURE.sample(50, 0, 0.0)} == {(0.0, 0.0), (2.0, 1.0)}
    assert np.array_equal(MIXTURE.sample(9, 4), MIXTURE.sample(9, 4))
    assert not np.array_equal(MIXTURE.sample(9, 4), MIXTURE.sample(9, 5))


def test_fit_finds_separate_groups_and_keeps_the_variance():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    centres = np.zeros((2, 10))
    centres[1, 0] = 20
    points = (centres[rng.integers(2, size=400)] + rng.normal(size=(400, 10)) * np.linspace(1, 0.01, 10)) @ turn
    fitted = Mixture.fit(points)
    assert len(fitted.weights) >= 2 and fitted.basis.shape[1] < 10
    projected = (points - fitted.mean) @ fitted.basis @ fitted.basis.T + fitted.mean
    assert np.square(points - projected).sum() <= 0.01 * np.square(points - points.mean(axis=0)).sum()
    assert fitted.log_prob(points).mean() > Mixture.fit(points, components=1).log_prob(points).mean()
    with pytest.raises(InputError, match="at least 3"):
        Mixture.fit(points[:2])


def test_groups_are_equally_likely_and_nothing_lies_between():
    rng = np.random.default_rng(0)
    women, men = rng.normal(5, 1, (60, 4)), rng.normal(-5, 1, (20, 4))
    drawn = Mixture.of_groups([women, men]).sample(4000, 0).mean(axis=1)
    assert (drawn > 0).mean() == pytest.approx(0.5, abs=0.03)
    assert (np.abs(drawn) < 2).mean() < 0.01


def test_copies_of_a_real_voice_are_refused():
    bank = np.random.default_rng(0).normal(size=(50, 6))
    assert np.allclose(nearest_distances(bank, bank), 0, atol=1e-6) and nearest_distances(bank, bank, True).min() > 0.1
    fresh = bank[:10] + 3.0
    assert len(nobody(np.concatenate([bank, bank + 1e-4]), bank)) == 0
    assert len(nobody(fresh, bank)) >= 9

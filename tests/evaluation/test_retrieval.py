"""Figures of association against scikit-learn, closed forms and rankings made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from idfacevc.evaluation.metrics.retrieval import (
    auc,
    eer,
    gender_oracle,
    identity_interval,
    matching,
    mean_average_precision,
    ranks,
    recall,
)


def test_auc_counts_pairs_and_halves_ties():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 10, 300).astype(float), rng.random(300) < 0.3
    pairs = scores[labels][:, None] - scores[~labels]
    assert auc(scores, labels) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert np.isnan(auc(scores, np.ones(300)))


def test_eer_of_two_gaussians():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(1, 1, 20_000), rng.normal(-1, 1, 20_000)])
    labels = np.repeat([1, 0], 20_000)
    assert eer(scores, labels) == pytest.approx(0.1587, abs=0.005)
    assert eer(np.zeros(10), np.arange(10) % 2) == pytest.approx(0.5)
    assert eer(labels.astype(float), labels) == pytest.approx(0.0)


def test_the_gender_oracle_is_the_floor():
    genders = np.repeat([0, 1], 1000)
    truth = gender_oracle(genders, genders)
    false = gender_oracle(genders, np.tile([0, 1], 1000))
    scores, labels = np.concatenate([truth, false]), np.repeat([1, 0], 2000)
    assert auc(scores, labels) == pytest.approx(0.75, abs=0.01)
    same = np.concatenate([truth, truth])
    assert auc(same, labels) == 0.5
    low, high = identity_interval(auc, scores, labels, np.tile(np.arange(2000), 2), draws=100)
    assert low < 0.75 < high and high - low < 0.05


@pytest.mark.parametrize(("number", "wanted"), [(2, 0.75), (3, 0.583), (4, 0.469), (5, 0.388), (10, 0.2)])
def test_matching_by_gender_alone(number, wanted):
    rng = np.random.default_rng(number)
    genders = rng.integers(2, size=(60_000, number))
    scores = (genders == genders[:, :1]) + 1e-6 * rng.random((60_000, number))  # ties broken by chance
    assert matching(scores) == pytest.approx(wanted, abs=0.01)


def test_matching_falls_with_the_number_of_candidates_and_ties_are_misses():
    scores = np.random.default_rng(0).normal(size=(500, 10))
    scores[:, 0] += 1
    rates = [matching(scores[:, :number]) for number in range(2, 11)]
    assert rates == sorted(rates, reverse=True)
    assert matching(np.zeros((5, 3))) == 0.0


def test_retrieval_of_a_ranking_made_by_hand():
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    relevant = np.array([[False, True, False, True], [False, False, False, True]])
    assert list(ranks(scores, relevant)) == [2, 1]
    assert recall(scores, relevant, 1) == 0.5 and recall(scores, relevant, 2) == 1.0
    by_sklearn = [average_precision_score(row, score) for row, score in zip(relevant, scores, strict=True)]
    assert mean_average_precision(scores, relevant) == pytest.approx(np.mean(by_sklearn))
    assert mean_average_precision(np.eye(5), np.eye(5, dtype=bool)) == 1.0


def test_recall_of_chance():
    scores = np.random.default_rng(0).random((20_000, 50))
    relevant = np.zeros((20_000, 50), bool)
    relevant[:, 7] = True
    for k in (1, 5, 10):
        assert recall(scores, relevant, k) == pytest.approx(k / 50, abs=0.01)

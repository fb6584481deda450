"""Means, ratios and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from idfacevc.evaluation.metrics.base import MetricInfo, RatioMetric, Unavailable

INFO = MetricInfo("x", "X", "share", "higher", (0, 1), "offline", "a test")


class Metric(RatioMetric):
    info = INFO


def test_value_is_the_ratio_of_sums() -> None:
    metric = Metric()
    metric.add(1, "a", 4)
    metric.add(3, "b", 4)
    metric.add(0, "b", 2)
    estimate = metric.compute()
    assert estimate.value == pytest.approx(4 / 10)
    assert (estimate.n, estimate.speakers) == (3, 2)
    assert estimate.low <= estimate.value <= estimate.high


def test_interval_covers_the_true_mean_of_new_speakers() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        metric = Metric()
        for speaker in range(25):
            own = rng.normal(0.5, 1.0)  # speakers differ, utterances of one hardly do
            for _ in range(4):
                metric.add(own + rng.normal(0, 0.1), str(speaker))
        estimate = metric.compute()
        covered.append(estimate.low <= 0.5 <= estimate.high)
    # An interval over single utterances would cover the truth in about two thirds of the cases.
    assert np.mean(covered) >= 0.85


def test_same_data_same_interval_whatever_the_order() -> None:
    rows = [(float(value), f"s{value % 7}") for value in range(40)]
    first, second = Metric(), Metric()
    for value, speaker in rows:
        first.add(value, speaker)
    for value, speaker in reversed(rows):
        second.add(value, speaker)
    assert first.compute().low == pytest.approx(second.compute().low)
    assert first.compute().high == pytest.approx(second.compute().high)


def test_one_speaker_leaves_the_interval_open() -> None:
    metric = Metric()
    metric.add(1, "a")
    metric.add(0, "a")
    assert metric.compute().value == 0.5
    assert math.isnan(metric.compute().low)


def test_nothing_added_is_no_zero() -> None:
    with pytest.raises(Unavailable, match="no output"):
        Metric().compute()

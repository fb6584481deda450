"""Pairs made by rule: one place for one person, age against age, and the same voices for the same faces."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.vclip.alignment import face_places, face_years, normal_scores, partners, voice_places, without


def faces(count: int = 300) -> np.ndarray:
    """Features (n, 5, 31) of people who differ in three directions, with log-probabilities of nine age bins."""
    rng = np.random.default_rng(0)
    people = 4 * rng.normal(size=(count, 1, 3)) @ np.linalg.qr(rng.normal(size=(20, 20)))[0][:3]
    pooled = people + 0.1 * rng.normal(size=(count, 5, 20))
    logits = -np.square(np.arange(9) - rng.uniform(0, 8, (count, 1, 1))).repeat(5, axis=1)
    ages = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    return np.concatenate([pooled, np.zeros((count, 5, 2)), ages], axis=2).astype(np.float32)


def test_places_are_normal_and_the_first_is_age():
    views = faces()
    places = face_places(views, 4)
    assert places.shape == (300, 4)
    assert places.std(axis=0) == pytest.approx(1, abs=0.03) and np.abs(places.mean(axis=0)).max() < 1e-6
    order = face_years(views).mean(axis=1).argsort()
    assert (np.diff(places[order, 0]) > 0).all()


def test_old_faces_are_paired_with_old_voices():
    rng = np.random.default_rng(1)
    years = rng.uniform(10, 80, 500)
    sound = np.column_stack([years / 20, rng.normal(size=(500, 9))])
    views = faces()
    near = partners(face_places(views, 4), voice_places(sound, years, 4), 3)
    assert near.shape == (300, 3)
    assert np.corrcoef(face_years(views).mean(axis=1), years[near].mean(axis=1))[0, 1] > 0.8
    assert len(np.unique(near[:, 0])) > 60, "two people have two voices"


def test_what_age_explains_is_taken_out():
    rng = np.random.default_rng(2)
    age = rng.normal(size=200)
    left = without(np.column_stack([2 * age, age + rng.normal(size=200)]), age)
    assert np.abs(left.T @ (age - age.mean())).max() < 1e-9
    assert left[:, 0].std() < 1e-9
    assert list(normal_scores(np.array([[5.0], [1.0], [9.0]]))[:, 0].argsort()) == [1, 0, 2]

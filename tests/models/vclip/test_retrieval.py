"""The choice among candidates, and what feedback from the synthesiser is worth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from idfacevc.errors import InputError
from idfacevc.models.vclip.retrieval import cast, different, hub_share, resample, top
from idfacevc.models.vclip.signature import fit_signature


def unit(*shape, seed=0):
    vectors = np.random.default_rng(seed).normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_a_planted_voice_is_found_wherever_it_stands():
    candidates = unit(200, 16)
    query, order = candidates[37], np.random.default_rng(1).permutation(200)
    assert top(candidates @ query, 5)[0] == 37
    assert list(order[top(candidates[order] @ query, 5)]) == list(top(candidates @ query, 5))
    assert list(top(np.zeros(4), 3)) == [0, 1, 2]
    for k in (0, 201):
        with pytest.raises(InputError, match="200 candidates"):
            top(candidates @ query, k)


def test_resampling_runs_from_the_best_to_chance():
    scores = np.linspace(0, 1, 10)
    assert list(resample(scores, 4, 1e-6, 3)) == list(top(scores, 4)) == list(resample(scores, 4, 0.0))
    drawn = [resample(scores, 3, 1e6, seed) for seed in range(3000)]
    assert all(len(set(one)) == 3 for one in drawn)
    assert chisquare(np.bincount([one[0] for one in drawn], minlength=10)).pvalue > 1e-3


def test_several_voices_of_a_face_differ():
    vectors = np.concatenate([unit(5, 8) * 0.01 + np.eye(8)[0], np.eye(8)[1:3]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert list(different(np.arange(7.0)[::-1], vectors, 3, 0.5)) == [0, 5, 6]


def test_a_cast_fits_and_differs():
    vectors = unit(40, 8)
    scores = [vectors @ query for query in unit(6, 8, seed=2)]
    scores[1] = scores[0]  # twins
    chosen = cast(scores, vectors, pool=10)
    assert len(set(chosen)) == 6 and chosen == cast(scores, vectors, pool=10)
    assert all(scores[face][index] > np.median(scores[face]) for face, index in enumerate(chosen))
    assert hub_share([1, 1, 2, 3]) == 0.5
    with pytest.raises(InputError, match="different voices"):
        cast([scores[0]] * 3, vectors[:2], pool=2)


def test_feedback_recovers_the_voice_that_a_turning_synthesiser_hides():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0].astype(np.float32)
    speakers = unit(800, 12).astype(np.float32)
    heard = speakers @ turn.T  # how each speaker sounds
    net, figures = fit_signature(torch.from_numpy(speakers), torch.from_numpy(heard), hidden=64)
    assert figures["signature"] > 0.99 > figures["identity"] and figures["signature"] > figures["constant"]
    with torch.no_grad():
        predicted = net(torch.from_numpy(speakers)).numpy()
    wanted = heard[:200]  # the voice that each face calls for
    informed = (predicted @ wanted.T).argmax(axis=0) == np.arange(200)
    naive = (speakers @ wanted.T).argmax(axis=0) == np.arange(200)
    assert informed.mean() > 0.95 and naive.mean() < 0.2

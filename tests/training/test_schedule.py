import itertools

import pytest

from idfacevc.training.schedule import OptimSpec, learning_rate, warmup_epochs


def test_the_papers_schedule_for_11430_clips():
    spec = OptimSpec()
    warmup = warmup_epochs(spec, 11430, 256)
    assert warmup == 45
    assert learning_rate(0, spec, warmup) == 1e-6
    assert learning_rate(45, spec, warmup) == 2.5e-4
    assert learning_rate(799, spec, warmup) == 2.5e-4
    assert [learning_rate(e, spec, warmup) / 2.5e-4 for e in (800, 1200, 1600, 1999)] == [0.5, 0.25, 0.125, 0.125]


def test_warm_up_is_linear():
    spec = OptimSpec()
    steps = [learning_rate(e + 1, spec, 45) - learning_rate(e, spec, 45) for e in range(45)]
    assert max(steps) - min(steps) < 1e-12


def test_cosine_falls_to_the_initial_rate():
    spec = OptimSpec(schedule="cosine", epochs=30)
    rates = [learning_rate(e, spec, 2) for e in range(2, 31)]
    assert all(a > b for a, b in itertools.pairwise(rates))
    assert rates[0] == spec.lr_max and rates[-1] == pytest.approx(spec.lr_init)

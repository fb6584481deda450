"""Heads trained on pairs with a planted relation find it on people they never saw, within a gender too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from idfacevc.errors import InputError
from idfacevc.evaluation.association import figures
from idfacevc.evaluation.association_heads import mean_scores
from idfacevc.models.vclip.heads import AssociationSpec
from idfacevc.training.association import Schedule, fit_association, small_heads


def planted(count: int, seed: int, strength: float = 0.8) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Faces (n, 40) and voices (n, 30) that share gender and, weakly, three other numbers; and the gender."""
    rng = np.random.default_rng(seed)
    fixed = np.random.default_rng(99)
    gender = rng.integers(2, size=count)
    shared = np.column_stack([3.0 * (2 * gender - 1), strength * rng.normal(size=(count, 3))])
    sides = [shared @ fixed.normal(size=(4, dim)) + rng.normal(size=(count, dim)) for dim in (40, 30)]
    face, voice = (torch.tensor(side, dtype=torch.float32) for side in sides)
    return face, voice, np.where(gender, "m", "f")


def test_964_pairs_teach_more_than_gender():
    face, voice, _ = planted(964, 0)
    heads = small_heads(face, voice, torch.arange(964))
    face, voice, gender = planted(200, 1)
    names = np.arange(200).astype(str)
    table = dict(figures(mean_scores(heads, face, voice), names, gender))
    value = {name: float(text.split()[0]) for name, text in table.items()}
    assert value["AUC, same gender"] > 0.57 and value["AUC, all"] > value["AUC, same gender"]
    assert value["AUC of the gender oracle, the floor of AUC, all"] == pytest.approx(0.75, abs=0.03)
    blind = dict(figures(np.random.default_rng(0).random((200, 200)), names, gender))
    assert float(blind["AUC, same gender"].split()[0]) == pytest.approx(0.5, abs=0.06)


def test_equal_seeds_give_equal_heads_and_cells_fill_a_batch():
    face, voice, gender = planted(120, 0)
    spec = AssociationSpec(40, 30, 16, 32, 0.1, "mlp")
    cell = torch.tensor((gender == "m").astype(int))
    schedule = Schedule(epochs=3, batch=32, cell_share=0.5)
    one, other = (fit_association(face, voice, torch.arange(120), spec, schedule, cell, seed=5)[0] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_mined_negatives_teach_it_as_well():
    face, voice, _ = planted(400, 0)
    spec = AssociationSpec(40, 30, 16, 32, 0.1, "mlp")
    schedule = Schedule(epochs=20, batch=200, patience=20, mined=5.0)
    net, found = fit_association(face, voice, torch.arange(400), spec, schedule, seed=5)
    assert found > 0.7
    other, _ = fit_association(face, voice, torch.arange(400), spec, Schedule(20, 200, patience=20), seed=5)
    assert not torch.equal(net.face_head.state_dict().popitem()[1], other.face_head.state_dict().popitem()[1])


def test_what_makes_no_pairs_is_refused():
    spec = AssociationSpec(40, 30, 16, 32, 0.1, "mlp")
    with pytest.raises(InputError, match="make no pairs"):
        fit_association(torch.zeros(5, 40), torch.zeros(4, 30), torch.arange(5), spec)
    with pytest.raises(InputError, match="at least 4 identities"):
        fit_association(torch.zeros(5, 40), torch.zeros(5, 30), torch.zeros(5), spec)

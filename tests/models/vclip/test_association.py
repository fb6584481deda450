"""Loss and heads against values worked out by hand and against autograd."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from idfacevc.errors import InputError
from idfacevc.losses.association import association_loss, mined_loss
from idfacevc.models.vclip.heads import Association, AssociationSpec, RealNVP

VOICE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
FACE = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def test_the_loss_has_the_value_worked_out_by_hand():
    assert float(association_loss(VOICE, FACE, 1.0)) == pytest.approx(0.998700, abs=1e-5)
    assert float(association_loss(VOICE, FACE, 1 / 0.07)) == pytest.approx(2.809544, abs=1e-5)


def test_the_loss_is_log_n_for_equal_rows_and_blind_to_length_and_direction():
    same = torch.ones(7, 4)
    assert float(association_loss(same, same, 5.0)) == pytest.approx(math.log(7), rel=1e-5)
    loss = association_loss(VOICE, FACE, 3.0)
    assert torch.isclose(loss, association_loss(VOICE * torch.tensor([[3.0], [0.1], [7.0]]), FACE * 2, 3.0))
    assert torch.isclose(loss, association_loss(FACE, VOICE, 3.0))


def test_the_mined_negative_is_as_hard_as_asked_and_never_harder_than_the_truth():
    """Against a plain search, where all negatives lie inside the margin."""
    generator = torch.Generator().manual_seed(0)
    voice, face = (torch.nn.functional.normalize(torch.randn(9, 4, generator=generator), dim=1) for _ in range(2))
    for hardness in (0.0, 0.5, 1.0):
        wanted = 0.0
        for row in range(9):
            own = float((voice[row] - face[row]).norm())
            others = sorted((float((voice[row] - face[one]).norm()) for one in range(9) if one != row), reverse=True)
            place = min(int(hardness * 7), max(0, sum(one > own for one in others) - 1))
            wanted += (own**2 + max(0.0, 3.0 - others[place]) ** 2) / 18
        assert float(mined_loss(voice, face, hardness, margin=3.0)) == pytest.approx(wanted, rel=1e-5)
    alone = mined_loss(voice[:2], face[:2], 0.5, torch.zeros(2))
    assert float(alone) == pytest.approx(float((voice[:2] - face[:2]).square().sum()) / 4, rel=1e-5)


def test_pairs_of_one_identity_are_no_negatives():
    both = association_loss(VOICE[:2], FACE[:2], 3.0)
    tripled = association_loss(VOICE[[0, 1, 1]], FACE[[0, 1, 1]], 3.0, torch.tensor([0, 1, 1]))
    apart = association_loss(VOICE[:2], FACE[:2], 3.0, torch.tensor([0, 1]))
    assert torch.isclose(both, apart) and tripled.isfinite()
    alone = association_loss(VOICE[:2], FACE[:2], 3.0, torch.tensor([4, 4]))
    assert float(alone) == 0.0


def test_a_step_brings_pairs_together():
    torch.manual_seed(0)
    voice, face = torch.randn(8, 6, requires_grad=True), torch.randn(8, 6, requires_grad=True)

    @torch.no_grad()
    def margin():
        cosines = F.normalize(voice, dim=1) @ F.normalize(face, dim=1).T
        return float(cosines.diag().mean() - cosines.mean())

    before = margin()
    association_loss(voice, face, 10.0).backward()
    with torch.no_grad():
        voice -= 0.1 * voice.grad
        face -= 0.1 * face.grad
    assert margin() > before


def test_the_flow_starts_as_the_identity_and_is_inverted():
    torch.manual_seed(0)
    flow, u = RealNVP(6, 4, 16), torch.randn(5, 6)
    assert torch.equal(flow(u), u)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    assert torch.allclose(flow.inverse(flow(u)), u, atol=1e-4)
    _, log_det = flow.with_log_det(u)
    for row in range(len(u)):
        jacobian = torch.autograd.functional.jacobian(lambda x: flow(x[None])[0], u[row])
        assert torch.linalg.slogdet(jacobian)[1] == pytest.approx(float(log_det[row]), abs=1e-4)


def test_heads_give_unit_vectors_of_standardised_features():
    torch.manual_seed(0)
    for spec in (AssociationSpec(5, 8, 8, 16), AssociationSpec(5, 7, 4, 16, voice_head="mlp")):
        net = Association(spec).eval()
        face, voice = 3 + 2 * torch.randn(40, 5), torch.randn(40, spec.voice_dim)
        net.set_statistics(face, voice)
        for out in (net.of_faces(face), net.of_voices(voice)):
            assert out.shape == (40, spec.dim) and torch.allclose(out.norm(dim=1), torch.ones(40), atol=1e-5)
    with pytest.raises(InputError):
        AssociationSpec(voice_dim=7, dim=8)

import math

import torch

from idfacevc.losses.cpc import CPC

SIZES = {"dim": 16, "context": 24, "steps": 6, "negatives": 10}


def test_negatives_never_stand_at_the_positives_place_and_cover_all_others():
    torch.manual_seed(0)
    drawn = CPC(**SIZES).draw(50, 9, torch.device("cpu"))
    own = torch.arange(9)[None, :, None]
    assert drawn.shape == (50, 9, 10)
    assert not (drawn == own).any()
    assert all(len(drawn[:, t].unique()) == 8 for t in range(9))


def test_without_knowledge_the_loss_is_log_of_the_candidates():
    cpc = CPC(**SIZES)
    for predictor in cpc.predictors:
        torch.nn.init.zeros_(predictor.weight)
        torch.nn.init.zeros_(predictor.bias)
    assert abs(cpc(torch.randn(4, 64, 16)).loss.item() - math.log(11)) < 1e-5


def test_accuracy_on_random_codes_is_chance():
    torch.manual_seed(0)
    result = CPC(**SIZES)(torch.randn(64, 64, 16))
    assert result.accuracy.shape == (6,)
    assert (result.accuracy - 1 / 11).abs().max() < 0.03


def test_predictable_codes_are_learnt():
    torch.manual_seed(0)
    cpc = CPC(**SIZES)
    optimizer = torch.optim.Adam(cpc.parameters(), 5e-3)
    phase = torch.rand(16, 1, 1) * 6.28
    z = torch.sin(phase + torch.arange(40)[None, :, None] * torch.linspace(0.05, 0.4, 16)) * 2
    first = cpc(z).loss.item()
    for _ in range(40):
        optimizer.zero_grad()
        loss = cpc(z).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first

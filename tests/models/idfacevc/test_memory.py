import math

import torch
import torch.nn.functional as F
from scipy.optimize import linprog

from idfacevc.config.memory import FaceVoiceMemorySpec
from idfacevc.losses.memory import address_entropy, address_loss, recall_loss
from idfacevc.models.idfacevc.memory import FaceVoiceMemory


def memory(**changes):
    torch.manual_seed(0)
    return FaceVoiceMemory(FaceVoiceMemorySpec(slots=12, dim=8, **changes))


def unit(count, dim=8):
    return F.normalize(torch.randn(count, dim), dim=-1)


def test_addresses_sum_to_one():
    m = memory()
    for log_address in (m.log_face_address(unit(5)), m.log_speech_address(unit(5))):
        torch.testing.assert_close(log_address.exp().sum(-1), torch.ones(5))


def test_recall_lies_in_the_hull_of_the_values():
    m = memory(scale=10.0)
    recalled = m.recall(m.log_face_address(unit(1)))[0].detach().double().numpy()
    values = m.speech_values.detach().double().numpy()
    constraints = torch.cat([m.speech_values.detach().double().T, torch.ones(1, 12, dtype=torch.float64)]).numpy()
    found = linprog([0] * len(values), A_eq=constraints, b_eq=[*recalled, 1.0], bounds=(0, 1))
    assert found.success


def test_no_divergence_when_keys_equal_values_and_vectors_agree():
    m = memory()
    m.face_keys.data.copy_(m.speech_values)
    vector = unit(4)
    loss = address_loss(m.log_speech_address(vector), m.log_face_address(vector))
    assert abs(loss.item()) < 1e-6


def test_divergence_is_the_formula():
    m = memory(scale=5.0)
    a, b = m.log_speech_address(unit(4)), m.log_face_address(unit(4))
    expected = (a.exp() * (a - b)).sum(-1).mean()
    torch.testing.assert_close(address_loss(a, b), expected)
    assert expected > 0


def test_a_larger_scale_uses_fewer_slots():
    vector = unit(50)
    entropies = [address_entropy(memory(scale=s).log_face_address(vector)).item() for s in (1.0, 10.0, 30.0)]
    assert math.log(12) > entropies[0] > entropies[1] > entropies[2]


def test_sharpness_at_inference_is_a_scale_and_in_the_limit_the_best_slot():
    vector = unit(40)
    m = memory(scale=5.0, sharpness=3.0)
    torch.testing.assert_close(m.voice(vector), m.recall(memory(scale=15.0).log_face_address(vector)))
    best = m.speech_values[m.log_face_address(vector).argmax(dim=1)]
    torch.testing.assert_close(memory(scale=5.0, sharpness=1e6).voice(vector), best)


def test_recall_loss_is_a_mean_square():
    a, b = torch.randn(3, 8), torch.randn(3, 8)
    torch.testing.assert_close(recall_loss(a, b), ((a - b) ** 2).mean())


def test_a_unit_memory_recalls_unit_vectors_at_inference():
    vector = torch.randn(3, 8)
    plain, on_sphere = memory(sharpness=2.0), memory(sharpness=2.0, unit=True)
    on_sphere.load_state_dict(plain.state_dict())
    torch.testing.assert_close(on_sphere.voice(vector).norm(dim=-1), torch.ones(3))
    torch.testing.assert_close(on_sphere.voice(vector), torch.nn.functional.normalize(plain.voice(vector), dim=-1))

import math

import torch

from idfacevc.losses.contrastive import contrastive_floor, contrastive_loss


def test_three_by_three_with_a_shared_speaker_by_hand():
    # cosines are set by the angles of unit vectors in the plane
    face = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    speech = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    speaker = torch.tensor([7, 7, 3])
    cosines = [[1, 0, 0], [0, 1, -1], [1, 0, 0]]
    positives = [[0, 1], [0, 1], [2]]
    expected = 0.0
    for row, own in zip(cosines, positives, strict=True):
        total = sum(math.exp(c / 0.5) for c in row)
        expected -= sum(math.log(math.exp(row[j] / 0.5) / total) for j in own) / 3
    assert abs(contrastive_loss(face, speech, speaker, 0.5).item() - expected) < 1e-5


def test_length_of_the_vectors_does_not_matter():
    face, speech, speaker = torch.randn(6, 8), torch.randn(6, 8), torch.tensor([0, 0, 1, 2, 2, 2])
    scaled = contrastive_loss(face * 9, speech * torch.rand(6, 1), speaker)
    torch.testing.assert_close(contrastive_loss(face, speech, speaker), scaled)


def test_floor_is_p_ln_p_and_is_reached_by_perfect_vectors():
    speaker = torch.tensor([0, 0, 1, 2, 2, 2])
    vectors = torch.eye(3)[speaker]
    floor = contrastive_floor(speaker)
    assert abs(floor.item() - (2 * 2 * math.log(2) + 0 + 3 * 3 * math.log(3)) / 6) < 1e-6
    assert abs(contrastive_loss(vectors, vectors, speaker, 0.02).item() - floor.item()) < 1e-4
    assert contrastive_loss(torch.randn(6, 8), torch.randn(6, 8), speaker) > floor


def test_options():
    face, speech, speaker = torch.randn(5, 8), torch.randn(5, 8), torch.arange(5)
    plain = contrastive_loss(face, speech, speaker)
    torch.testing.assert_close(contrastive_loss(face, speech, speaker, normalise_positives=True), plain)
    both = contrastive_loss(face, speech, speaker, symmetric=True)
    torch.testing.assert_close(both, (plain + contrastive_loss(speech, face, speaker)) / 2)

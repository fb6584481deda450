import math

import torch
import torch.nn.functional as F

from idfacevc.losses.ge2e import ge2e, supervised_ge2e

SPEAKER = torch.tensor([3, 3, 7, 7, 7, 9])


def vectors(seed: int) -> torch.Tensor:
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(seed))


def by_hand(anchors, references, own_counts):
    """Row by row, as the papers write it; speakers with one vector are left out where it would be its own centroid."""
    anchors, references = F.normalize(anchors, dim=1), F.normalize(references, dim=1)
    losses = []
    for i, name in enumerate(SPEAKER.tolist()):
        scores = []
        for other in (3, 7, 9):
            members = [j for j, one in enumerate(SPEAKER.tolist()) if one == other and (own_counts or j != i)]
            if not members:
                break
            scores.append(10 * F.cosine_similarity(anchors[i], references[members].mean(0), dim=0) - 5)
        else:
            losses.append(-F.log_softmax(torch.stack(scores), dim=0)[(3, 7, 9).index(name)])
    return torch.stack(losses).mean()


def test_ge2e_leaves_a_vector_out_of_its_own_centroid():
    torch.testing.assert_close(ge2e(vectors(0), SPEAKER), by_hand(vectors(0), vectors(0), own_counts=False))
    assert ge2e(vectors(0)[[0, 2, 5]], SPEAKER[[0, 2, 5]]) == 0


def test_supervised_ge2e_holds_faces_to_the_centroids_of_speech():
    expected = by_hand(vectors(1), vectors(0), own_counts=True)
    torch.testing.assert_close(supervised_ge2e(vectors(1), vectors(0), SPEAKER), expected)
    same = torch.ones(6, 5)
    torch.testing.assert_close(supervised_ge2e(same, same, SPEAKER), torch.tensor(math.log(3)))

"""The warp against maps that are known, and the decoder's sizes and its way through one batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator

from idfacevc.errors import InputError
from idfacevc.models.speech2face.decoder import FaceDecoder, FaceDecoderSpec
from idfacevc.models.speech2face.warp import spline, warp

FIVE = torch.tensor([[0.32, 0.3], [0.68, 0.3], [0.5, 0.52], [0.34, 0.7], [0.66, 0.7]])
TURN = torch.tensor([[0.9, -0.2], [0.15, 1.1]])
SHIFT = torch.tensor([0.05, -0.08])


def test_affine_maps_are_met_everywhere():
    queries = torch.rand(1, 50, 2, generator=torch.Generator().manual_seed(0)) * 2 - 0.5
    found = spline(FIVE[None], (FIVE @ TURN.T + SHIFT)[None], queries)
    assert torch.allclose(found, queries @ TURN.T + SHIFT, atol=1e-4)


def test_other_maps_are_those_of_scipys_thin_plate_splines():
    generator = torch.Generator().manual_seed(1)
    values = FIVE + 0.05 * torch.randn(5, 2, generator=generator)
    queries = torch.rand(40, 2, generator=generator)
    oracle = RBFInterpolator(FIVE.double().numpy(), values.double().numpy(), kernel="thin_plate_spline")
    found = spline(FIVE[None], values[None], queries[None])[0]
    assert np.allclose(found.numpy(), oracle(queries.double().numpy()), atol=1e-3)


def test_a_warped_picture_is_the_one_that_the_affine_map_draws():
    """A smooth function of the place, drawn, warped, and compared with the function at the mapped places."""

    def drawn(places: torch.Tensor) -> torch.Tensor:
        return torch.sin(5 * places[..., 0]) + torch.cos(4 * places[..., 1] + 1)

    side = 96
    centres = (torch.arange(side) + 0.5) / side
    places = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=2)
    moved = FIVE @ TURN.T + SHIFT
    found = warp(drawn(places)[None, None], FIVE[None], moved[None])[0, 0]
    sources = (places - SHIFT) @ torch.linalg.inv(TURN).T
    inside = ((sources > 0.02) & (sources < 0.98)).all(dim=2)
    assert inside.float().mean() > 0.5
    assert torch.allclose(found[inside], drawn(sources)[inside], atol=5e-3)


def test_landmarks_get_a_gradient_through_the_warp():
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    points = (FIVE + 0.01)[None].requires_grad_(True)
    warp(image, FIVE[None], points).square().sum().backward()
    assert points.grad is not None and points.grad.isfinite().all() and points.grad.abs().max() > 0


def test_sizes_of_the_papers_setting():
    with torch.device("meta"):
        decoder = FaceDecoder()
        features = torch.zeros(2, 4096)
        points, texture = decoder.parts(features)
    assert decoder.first.weight.shape == (1000, 4096) and decoder.side == 14
    assert points.shape == (2, 5, 2) and texture.shape == (2, 3, 224, 224)
    with pytest.raises(InputError, match="cannot be halved"):
        FaceDecoderSpec(size=100)


def test_one_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    decoder = FaceDecoder(FaceDecoderSpec(8, 64, 5, (32,), (32, 32, 16), 16))
    decoder.mean_points.copy_(FIVE)
    features = torch.randn(4, 8)
    images = torch.nn.functional.interpolate(torch.rand(4, 3, 4, 4), (16, 16), mode="bilinear")
    points = FIVE + 0.03 * torch.randn(4, 5, 2)
    wanted = decoder.normalised(images, points)

    def errors() -> tuple[torch.Tensor, torch.Tensor]:
        found, texture = decoder.parts(features)
        return (found - points).square().mean(), (texture - wanted).abs().mean()

    before = [float(one.detach()) for one in errors()]
    optimiser = torch.optim.Adam(decoder.parameters(), lr=3e-3)
    for _ in range(150):
        optimiser.zero_grad()
        landmarks, texture = errors()
        (100 * landmarks + texture).backward()
        optimiser.step()
    after = [float(one.detach()) for one in errors()]
    assert after[0] < 0.05 * before[0] and after[1] < 0.25 * before[1]
    drawn = decoder(features)
    inner = drawn[:, :, 3:-3, 3:-3] - images[:, :, 3:-3, 3:-3]
    assert inner.abs().mean() < 0.1

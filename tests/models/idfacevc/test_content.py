import torch

from idfacevc.config.content import VqcpcSpec
from idfacevc.models.idfacevc.content import ContentEncoder, VectorQuantizer


def encoder(**changes):
    torch.manual_seed(0)
    return ContentEncoder(VqcpcSpec(hidden=32, layers=2, dim=16, codes=24, **changes), 80)


def test_half_the_frame_rate_also_for_odd_lengths():
    model = encoder()
    for frames in (128, 127, 2, 3):
        assert model(torch.randn(2, 80, frames)).z_q.shape == (2, frames // 2, 16)


def test_paper_size_has_the_published_shape():
    spec = VqcpcSpec()
    model = ContentEncoder(spec, 80)
    assert model(torch.randn(1, 80, 128)).z_q.shape == (1, 64, 64)
    assert abs(sum(p.numel() for p in model.parameters()) / 1e6 - 1.25) < 0.15


def test_straight_through_gradient_is_one():
    quantizer = VectorQuantizer(VqcpcSpec(dim=16, codes=24)).eval()
    z_e = torch.randn(2, 5, 16, requires_grad=True)
    quantizer(z_e).z_q.sum().backward()
    torch.testing.assert_close(z_e.grad, torch.ones_like(z_e))
    model = encoder(codebooks=3)
    z_e = torch.randn(2, 5, 16, requires_grad=True)
    model.eval().quantize(z_e).z_q.sum().backward()
    torch.testing.assert_close(z_e.grad, torch.ones_like(z_e))


def test_codes_are_the_nearest_by_brute_force():
    quantizer = VectorQuantizer(VqcpcSpec(dim=16, codes=24)).eval()
    z_e = torch.randn(2, 5, 16)
    result = quantizer(z_e)
    brute = ((z_e[:, :, None] - quantizer.codebook) ** 2).sum(-1).argmin(-1)
    assert torch.equal(result.codes, brute)
    torch.testing.assert_close(result.z_q, quantizer.codebook[brute])


def test_codebook_moves_only_in_training_mode_and_when_not_frozen():
    model = encoder()
    before = model.quantizers[0].codebook.clone()
    model.eval()(torch.randn(2, 80, 32))
    model.train().freeze_codebook(True)
    model(torch.randn(2, 80, 32))
    assert torch.equal(model.quantizers[0].codebook, before)
    model.freeze_codebook(False)
    address = model.quantizers[0].codebook.data_ptr()
    model(torch.randn(2, 80, 32))
    assert not torch.equal(model.quantizers[0].codebook, before)
    assert model.quantizers[0].codebook.data_ptr() == address, "buffers must change in place"


def test_codebook_converges_to_cluster_means():
    torch.manual_seed(0)
    quantizer = VectorQuantizer(VqcpcSpec(dim=2, codes=4, decay=0.9, restart_threshold=0.5)).train()
    centres = torch.tensor([[5.0, 5.0], [-5.0, 5.0], [5.0, -5.0], [-5.0, -5.0]])
    for _ in range(200):
        quantizer((centres.repeat(16, 1) + 0.05 * torch.randn(64, 2))[None])
    assert torch.cdist(centres, quantizer.codebook).min(dim=1).values.max() < 0.2


def test_residual_codebooks_reduce_the_error():
    torch.manual_seed(0)
    errors = []
    for books in (1, 3):
        model = encoder(codebooks=books, decay=0.9, restart_threshold=0.5).train()
        data = torch.randn(4, 64, 16)
        for _ in range(100):
            result = model.quantize(data)
        errors.append(((result.z_q - data) ** 2).mean().item())
        assert result.codes.shape == (4, 64, books)
    assert errors[1] < 0.7 * errors[0]

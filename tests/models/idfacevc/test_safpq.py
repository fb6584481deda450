import torch

from idfacevc.config.face_head import SafpqSpec
from idfacevc.config.speech import ClapSafpqSpec, ResemblyzerProjectionSpec
from idfacevc.models.idfacevc.safpq import Safpq
from idfacevc.models.idfacevc.speech_head import ClapSafpq, ResemblyzerProjection, speech_identity


def head(**changes):
    torch.manual_seed(0)
    return Safpq(SafpqSpec(prompts=4, dim=32, heads=2, ffn_dim=48, **changes), 24).eval()


def test_order_of_tokens_does_not_matter():
    tokens = torch.randn(3, 50, 24)
    for model in (head(), head(paper_equations_only=True), head(fuse="flatten")):
        torch.testing.assert_close(model(tokens), model(tokens[:, torch.randperm(50)]), atol=1e-5, rtol=1e-5)


def test_with_one_token_the_exact_cross_attention_answers_every_prompt_alike():
    model = head(paper_equations_only=True)
    block = model.blocks[0]
    answer = block.cross_attention(block.self_attention(model.prompts, model.prompts), torch.randn(1, 1, 24))
    torch.testing.assert_close(answer, answer[:, :1].expand_as(answer))


def test_exact_mode_is_the_printed_equations():
    torch.manual_seed(0)
    model = Safpq(SafpqSpec(prompts=4, dim=32, heads=1, ffn_dim=48, paper_equations_only=True), 24).eval()
    tokens, block = torch.randn(2, 9, 24), model.blocks[0]
    sa, ca = block.self_attention, block.cross_attention
    q = model.prompts
    a_self = torch.softmax(sa.query(q) @ sa.key(q).transpose(1, 2) / 32**0.5, -1) @ sa.value(q)
    a_cross = torch.softmax(ca.query(a_self) @ ca.key(tokens).transpose(1, 2) / 32**0.5, -1) @ ca.value(tokens)
    torch.testing.assert_close(model.query(tokens), block.ffn(a_cross))


def test_no_gradient_reaches_a_frozen_backbone_and_prompts_learn():
    backbone = torch.nn.Linear(24, 24).requires_grad_(False)
    model = head().train()
    model(backbone(torch.randn(2, 5, 24))).sum().backward()
    assert backbone.weight.grad is None
    assert model.prompts.grad.abs().sum() > 0


def test_paper_size():
    model = Safpq(SafpqSpec(), 768)
    assert model(torch.randn(2, 50, 768)).shape == (2, 256)
    assert abs(model.prompts.std().item() - 0.02) < 0.002


def test_speech_branches():
    clap = speech_identity(ClapSafpqSpec(token_dim=64), 32).eval()
    assert isinstance(clap, ClapSafpq)
    tokens = torch.randn(2, 32, 64)
    assert clap(tokens).shape == (2, 32)
    torch.testing.assert_close(clap(tokens), clap(tokens[:, torch.randperm(32)]), atol=1e-5, rtol=1e-5)
    prompted = speech_identity(ClapSafpqSpec(token_dim=64, prompts=3), 32)
    assert prompted(tokens).shape == (2, 32)
    projection = speech_identity(ResemblyzerProjectionSpec(), 32)
    assert isinstance(projection, ResemblyzerProjection)
    assert projection(torch.rand(2, 1, 256)).shape == projection(torch.rand(2, 256)).shape == (2, 32)

"""The networks are those of the package parallel-wavegan: same names, same weights, same outputs."""

from __future__ import annotations

import pytest
import torch

from idfacevc.config.vocoder import DiscriminatorSpec, GeneratorSpec
from idfacevc.errors import InputError
from idfacevc.vocoders.parallel_wavegan.discriminator import Discriminator
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from tests.closeness import assert_near
from tests.front_ends import PROFILES
from tests.vocoders.upstream import SCALES, scrambled, upstream_discriminator, upstream_generator


@pytest.mark.parametrize("profile", sorted(SCALES))
@pytest.mark.parametrize("weight_norm", [True, False])
def test_the_generator_equals_upstream(profile: str, weight_norm: bool) -> None:
    spec = GeneratorSpec(upsample_scales=SCALES[profile])
    assert spec.hop_length == PROFILES[profile].hop_length
    theirs = scrambled(upstream_generator(spec))
    ours = Generator(spec).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    if not weight_norm:
        theirs.remove_weight_norm()
        ours.remove_weight_norm()
        assert ours.state_dict().keys() == theirs.state_dict().keys()
    torch.manual_seed(1)
    mel, noise = torch.randn(6, 80), torch.randn(6 * spec.hop_length, 1)
    with torch.no_grad():
        wanted = theirs.inference(mel, noise)[:, 0]
        made = ours(noise.T[None], ours.with_context(mel.T[None]))[0, 0]
    assert wanted.std() > 0.01
    assert_near(made, wanted)


@pytest.mark.parametrize("weight_norm", [True, False])
def test_the_discriminator_equals_upstreams(weight_norm: bool) -> None:
    spec = DiscriminatorSpec()
    theirs = scrambled(upstream_discriminator(spec))
    ours = Discriminator(spec).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    if not weight_norm:
        theirs.remove_weight_norm()
        ours.remove_weight_norm()
    wave = torch.randn(2, 1, 500)
    with torch.no_grad():
        assert_near(ours(wave), theirs(wave.clone()))


def test_a_fresh_generator_starts_as_upstreams_does() -> None:
    """Smoothing filters that average, biases of zero, weights of He's scale."""
    spec = GeneratorSpec()
    ours, theirs = Generator(spec, weight_norm=False).state_dict(), upstream_generator(spec)
    theirs.remove_weight_norm()
    for name, value in theirs.state_dict().items():
        if value.numel() > 1000:
            assert ours[name].std() == pytest.approx(float(value.std()), rel=0.1), name
        elif "upsample" in name or "bias" in name:
            torch.testing.assert_close(ours[name], value)


@pytest.mark.parametrize("sizes", [{"layers": 10}, {"gate": 63}, {"kernel": 2}, {"residual": 0}])
def test_sizes_that_cannot_be_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(InputError, match="generator"):
        GeneratorSpec(**sizes)  # type: ignore[arg-type]

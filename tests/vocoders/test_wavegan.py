"""The fast generator: upstream's samples, in pieces of any size, in bounded memory; faults."""

from __future__ import annotations

import gc
import resource
import weakref
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GeneratorSpec, MelStatistics, ParallelWaveGANSpec
from idfacevc.errors import InputError
from idfacevc.vocoders.griffin_lim import GriffinLim
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from idfacevc.vocoders.parallel_wavegan.stream import WaveStream
from idfacevc.vocoders.parallel_wavegan.vocoder import ParallelWaveGAN
from tests.closeness import assert_near
from tests.vocoders.upstream import SCALES, scrambled, upstream_generator

SMALL = GeneratorSpec(layers=6, stacks=2, residual=8, gate=12, skip=10)
HOP = 160


def made(spec: GeneratorSpec, bands: int = 80) -> tuple[ParallelWaveGAN, Generator]:
    """The vocoder of a random generator, and that generator."""
    generator = scrambled(Generator(spec, bands))
    front_end = FrontEndSpec(hop_length=spec.hop_length, n_mels=bands)
    statistics = MelStatistics(tuple(np.linspace(-3, -2, bands)), tuple(np.linspace(0.5, 1, bands)))
    vocoder = ParallelWaveGANSpec(front_end=front_end, generator=spec, statistics=statistics)
    return ParallelWaveGAN(vocoder, generator), generator


def mel_of(frames: int, bands: int = 80) -> torch.Tensor:
    return torch.randn(bands, frames, generator=torch.Generator().manual_seed(0)) - 2.5


@pytest.fixture(scope="module")
def small() -> ParallelWaveGAN:
    return made(SMALL)[0]


@pytest.fixture
def threads() -> Iterator[None]:
    """Restores torch's number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("profile", sorted(SCALES))
@pytest.mark.parametrize("count", [1, 2])
def test_the_standard_sizes_give_the_samples_of_upstream(profile: str, count: int, threads: None) -> None:
    spec = GeneratorSpec(upsample_scales=SCALES[profile])
    theirs = upstream_generator(spec)
    vocoder, ours = made(spec)
    theirs.remove_weight_norm()
    theirs.load_state_dict(ours.state_dict())
    mel = mel_of(30)
    noise = np.random.default_rng(5).standard_normal(30 * spec.hop_length, dtype=np.float32)
    mean, scale = np.linspace(-3, -2, 80), np.linspace(0.5, 1, 80)
    with torch.no_grad():
        wanted = theirs.inference(((mel.T.numpy() - mean) / scale).astype(np.float32), noise[:, None])[:, 0].numpy()
    torch.set_num_threads(count)
    assert_near(vocoder(mel, seed=5), wanted)
    assert torch.get_num_threads() == count


@pytest.mark.parametrize(
    "spec",
    [
        SMALL,
        GeneratorSpec(4, 4, 6, 8, 4, kernel=5, context=0, upsample_scales=(2, 3)),
        GeneratorSpec(5, 1, 6, 8, 4, kernel=1, context=1, upsample_scales=(7,)),
        GeneratorSpec(9, 1, 4, 4, 4, kernel=3, context=3, upsample_scales=(2, 2, 2)),
    ],
)
@pytest.mark.parametrize("frames", [1, 2, 3, 7, 60])
@pytest.mark.parametrize("count", [1, 3])
def test_any_sizes_and_lengths_give_the_samples_of_the_generator(
    spec: GeneratorSpec, frames: int, count: int, threads: None
) -> None:
    torch.set_num_threads(count)
    vocoder, generator = made(spec, 5)
    mel = mel_of(frames, 5)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(frames * spec.hop_length, dtype=np.float32))
    normalised = (mel - torch.linspace(-3, -2, 5)[:, None]) / torch.linspace(0.5, 1, 5)[:, None]
    with torch.no_grad():
        wanted = generator(noise[None, None], generator.with_context(normalised[None]))[0, 0]
    assert_near(vocoder(mel), wanted)
    pieces = list(vocoder.stream(mel.split(4, dim=1)))
    assert_near(np.concatenate(pieces), wanted)


@pytest.mark.parametrize("count", [1, 2])
def test_a_second_of_the_standard_sizes_whole_and_in_pieces(count: int, threads: None) -> None:
    """Long enough for blocks that lie between the first and the last ones."""
    vocoder, generator = made(GeneratorSpec())
    mel = mel_of(100)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(100 * HOP, dtype=np.float32))
    normalised = (mel - torch.linspace(-3, -2, 80)[:, None]) / torch.linspace(0.5, 1, 80)[:, None]
    with torch.no_grad():
        wanted = generator(noise[None, None], generator.with_context(normalised[None]))[0, 0].numpy()
    torch.set_num_threads(count)
    assert_near(vocoder(mel), wanted)
    assert_near(np.concatenate(list(vocoder.stream(mel.split(45, dim=1)))), wanted)


@pytest.mark.parametrize("size", [1, 9, 64, 256])
def test_pieces_of_any_size_give_the_same_samples(small: ParallelWaveGAN, size: int) -> None:
    frames = 50 if size == 1 else 300
    mel = mel_of(frames)
    whole = small(mel, seed=3)
    assert whole.dtype == np.float32 and len(whole) == frames * HOP
    pieces = list(small.stream(mel.split(size, dim=1), seed=3))
    assert all(len(piece) for piece in pieces)
    assert_near(np.concatenate(pieces), whole)


def test_samples_come_out_as_soon_as_they_are_final(small: ParallelWaveGAN) -> None:
    """Before the second piece is asked for, all samples are out that do not depend on it."""
    asked = 0

    def mels() -> Iterator[torch.Tensor]:
        nonlocal asked
        for piece in mel_of(200).split(50, dim=1):
            asked += 1
            yield piece

    given = 0
    reach = 2 * (1 + 2 + 4) + (2 + 2) * HOP  # of the convolutions, of context and smoothing
    for piece in small.stream(mels()):
        given += len(piece)
        if given >= 50 * HOP - reach:
            assert asked == 1
            break
    else:
        pytest.fail("nothing came out before the second piece")


def test_what_follows_a_samples_reach_does_not_change_it(small: ParallelWaveGAN) -> None:
    mel = mel_of(60)
    other = mel.clone()
    other[:, 40:] += 1
    first, second = small(mel), small(other)
    reach = 2 * (1 + 2 + 4) + (2 + 2) * HOP
    assert_near(first[: 40 * HOP - reach], second[: 40 * HOP - reach])
    assert np.abs(first[40 * HOP :] - second[40 * HOP :]).max() > 1e-3


def test_seed_decides_the_samples(small: ParallelWaveGAN) -> None:
    mel = mel_of(10)
    np.testing.assert_array_equal(small(mel, seed=1), small(mel, seed=1))
    assert not np.array_equal(small(mel, seed=1), small(mel, seed=2))
    small(mel, seed=-1)


def test_nothing_grows_with_the_length(small: ParallelWaveGAN) -> None:
    def peak_after(pieces: int) -> int:
        for _ in small.stream(piece for _ in range(pieces)):
            pass
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    piece = mel_of(100)
    few = peak_after(6)
    assert peak_after(60) - few < 60 << 10  # KiB; the inputs of all layers together would be 180 MiB


def test_an_utterances_memory_goes_with_it(small: ParallelWaveGAN) -> None:
    waves = WaveStream(small._net)
    list(waves.push(mel_of(50), torch.zeros(50 * HOP)))
    list(waves.end())
    layers = weakref.ref(waves._layers)
    gc.disable()  # else a cycle of references might be found in time, by chance
    try:
        del waves
        assert layers() is None
    finally:
        gc.enable()


def test_a_refining_generator_adds_to_the_wave_of_griffin_lim() -> None:
    """Whole and in pieces; 9 s, so that Griffin-Lim itself gives three pieces, whose ends lie between frames."""
    vocoder, generator = made(replace(SMALL, excitation="griffin_lim"))
    mel = mel_of(900)
    begun = torch.from_numpy(GriffinLim(vocoder.spec)(mel, seed=3))
    normalised = (mel - torch.linspace(-3, -2, 80)[:, None]) / torch.linspace(0.5, 1, 80)[:, None]
    with torch.no_grad():
        wanted = generator(begun[None, None], generator.with_context(normalised[None]))[0, 0].numpy()
    assert_near(vocoder(mel, seed=3), wanted)
    pieces = list(vocoder.stream(mel.split(70, dim=1), seed=3))
    assert_near(np.concatenate(pieces), wanted)
    assert len(pieces) > 2


def test_an_untrained_refining_generator_hardly_changes_the_wave() -> None:
    generator = Generator(replace(SMALL, excitation="griffin_lim"))
    begun, mel = torch.randn(1, 1, 10 * HOP), torch.randn(1, 80, 14)
    with torch.no_grad():
        change = generator(begun, mel) - begun
    assert 0 < change.std() < 0.05


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_hour_of_mel_takes_less_than_a_gigabyte() -> None:
    vocoder = made(GeneratorSpec(layers=10, stacks=1, residual=16, gate=32, skip=16))[0]
    vocoder(mel_of(50))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    samples = sum(len(piece) for piece in vocoder.stream(mel_of(256) for _ in range(360_000 // 256)))
    assert samples == 360_000 // 256 * 256 * HOP
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KiB


@pytest.mark.parametrize(
    ("mels", "words"),
    [
        ([torch.full((80, 10), float("nan"))], "not finite"),
        ([torch.zeros(80, 10), torch.full((80, 10), float("inf"))], "not finite"),
        ([torch.zeros(79, 10)], r"\(80, T\), not \(79, 10\)"),
        ([torch.zeros(1, 80, 10)], r"not \(1, 80, 10\)"),
        ([torch.zeros(80, 0)], "no frames"),
        ([], "no frames"),
    ],
)
def test_a_mel_that_cannot_be_used_is_refused(small: ParallelWaveGAN, mels: list[torch.Tensor], words: str) -> None:
    with pytest.raises(InputError, match=words):
        list(small.stream(mels))

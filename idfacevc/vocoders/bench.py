"""Speed of the vocoder beside that of the package parallel-wavegan, on the same mel, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.vocoder import GeneratorSpec, MelStatistics, ParallelWaveGANSpec
from idfacevc.errors import optional
from idfacevc.vocoders.parallel_wavegan.generator import Generator
from idfacevc.vocoders.parallel_wavegan.vocoder import ParallelWaveGAN

_PAUSE = 0.5  # seconds; threads of one version that still spin would slow the next down


@dataclass(frozen=True)
class Timing:
    """One version: real-time factor (seconds of work for a second of sound) and largest difference from upstream."""

    version: str
    rtf: float
    max_error: float


def untrained() -> tuple[ParallelWaveGANSpec, Generator]:
    """A vocoder of the standard sizes at 16 kHz with random weights, on which speed does not depend."""
    front_end, sizes = FrontEndSpec(), GeneratorSpec()
    statistics = MelStatistics((0.0,) * front_end.n_mels, (1.0,) * front_end.n_mels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(sizes, front_end.n_mels, weight_norm=False)
    return ParallelWaveGANSpec(front_end=front_end, generator=sizes, statistics=statistics), generator


def measure_speed(spec: ParallelWaveGANSpec, generator: Generator, seconds: float, repeats: int) -> list[Timing]:
    """Upstream's generator, ours as it is trained, and the fast path, in this order; the best of `repeats` each.

    All get the same mel and the same excitation, to which the outputs are added where the generator refines it; the
    fast path's time includes the making of the excitation. Upstream has its weight norm removed and runs without
    gradients.

    Raises:
        InputError: where parallel-wavegan is not installed.
    """
    frames = max(1, round(seconds / spec.front_end.frame_period))
    generator = generator.eval()
    theirs = _upstream(spec, generator)
    vocoder = ParallelWaveGAN(spec, generator)
    rng = np.random.default_rng(0)
    normalised = torch.from_numpy(rng.standard_normal((spec.front_end.n_mels, frames), dtype=np.float32))
    mel = normalised * torch.tensor(spec.statistics.scale, dtype=torch.float32)[:, None]
    mel += torch.tensor(spec.statistics.mean, dtype=torch.float32)[:, None]
    excitation = torch.cat([piece for _, piece in vocoder.excited([mel])])
    base = excitation if generator.refines else torch.zeros_like(excitation)
    context = generator.with_context(normalised[None])
    versions: dict[str, Callable[[], Any]] = {
        "parallel-wavegan": lambda: base + theirs.inference(normalised.T, excitation[:, None])[:, 0],
        "the network as it is trained": lambda: generator(excitation[None, None], context)[0, 0],
        "idfacevc": lambda: vocoder(mel),
    }
    timings = []
    reference: np.ndarray | None = None
    with torch.inference_mode():
        for name, run in versions.items():
            time.sleep(_PAUSE)
            made = np.asarray(run())  # the first run is slower than all others
            reference = made if reference is None else reference
            took = min(_seconds(run) for _ in range(repeats))
            error = float(np.abs(made - reference).max())
            timings.append(Timing(name, took / (frames * spec.front_end.frame_period), error))
    return timings


def _seconds(run: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def _upstream(spec: ParallelWaveGANSpec, generator: Generator) -> Any:
    """The package's generator with the same weights."""
    import scipy.signal

    if not hasattr(scipy.signal, "kaiser"):  # the package imports it from where SciPy no longer has it
        scipy.signal.kaiser = scipy.signal.windows.kaiser
    with optional(
        "parallel_wavegan",
        "there is nothing to compare with: parallel-wavegan is not installed; it is in the development group "
        "(uv sync --group dev, or pip install parallel-wavegan==0.6.1)",
    ):
        from parallel_wavegan.models import ParallelWaveGANGenerator
    sizes = generator.spec
    theirs = ParallelWaveGANGenerator(
        kernel_size=sizes.kernel,
        layers=sizes.layers,
        stacks=sizes.stacks,
        residual_channels=sizes.residual,
        gate_channels=sizes.gate,
        skip_channels=sizes.skip,
        aux_channels=spec.front_end.n_mels,
        aux_context_window=sizes.context,
        use_weight_norm=False,
        upsample_params={"upsample_scales": list(sizes.upsample_scales)},
    )
    theirs.load_state_dict(generator.state_dict())
    return theirs.eval()

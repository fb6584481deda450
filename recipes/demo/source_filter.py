"""Training of the vocoder: python -m recipes.demo.source_filter --features DIR --out FILE --minutes 66

Spectral distances first, after `--adversarial-from` steps also judges of spectra at three resolutions. A further call
goes on from FILE.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from idfacevc.audio.mel import LogMel
from idfacevc.config.vocoder import SourceFilterSpec
from idfacevc.errors import InputError
from idfacevc.losses.stft import MultiResolutionSTFTLoss, Resolution
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator, pulse_train
from recipes.demo.clips import ClipFeatures, read_features
from recipes.demo.converter import save
from recipes.demo.speech_features import FRONT_END

_SHARES = {"kokoro": 0.6, "librispeech": 0.3, "speechocean762": 0.1}
_BATCH, CROP, EDGE = 8, 80, 320  # crops, their frames, samples left out at each end, which lack their neighbours
FLOOR = float(np.log10(FRONT_END.floor))  # of a mel
_RESOLUTIONS = (
    Resolution(1024, 160, 800), Resolution(512, 80, 320), Resolution(256, 40, 160), Resolution(2048, 320, 1600),
)  # fmt: skip
_MEL, _ADVERSARIAL, _MATCHING = 2.0, 0.25, 1.0  # weights beside the spectral distances' 1
_JUDGES_FIRST = 100  # steps in which the judges learn alone
_WARMUP, _DECAY = 200, 0.99985


class SpectrumJudge(nn.Module):
    """Scores patches of a compressed complex spectrum. Shape: wave (B, N) -> scores, and the features on the way."""

    window: Tensor

    def __init__(self, size: int, hop: int, channels: int = 16) -> None:
        super().__init__()
        self.size, self.hop = size, hop
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        kernels = [((3, 7), (1, 2)), ((3, 7), (1, 2)), ((3, 5), (1, 2)), ((3, 3), (1, 1))]
        widths = [2] + [channels] * len(kernels)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(widths[i], channels, kernel, stride, (1, kernel[1] // 2)))
            for i, (kernel, stride) in enumerate(kernels)
        )
        self.score = weight_norm(nn.Conv2d(channels, 1, 3, 1, 1))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectrum = torch.stft(wave, self.size, self.hop, self.size, self.window, return_complex=True)
        x = torch.view_as_real(spectrum).permute(0, 3, 2, 1)
        magnitude = (x.square().sum(1, keepdim=True) + 1e-9).sqrt()
        x = x / magnitude * magnitude**0.3
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.score(x), features


class Panel:
    """Judges at three resolutions and how they learn. Half of the waves of a batch go to them, which are nine tenths
    of a step's work."""

    def __init__(self, rate: float = 4e-4) -> None:
        self.judges = nn.ModuleList([SpectrumJudge(1024, 256), SpectrumJudge(512, 128), SpectrumJudge(256, 64)])
        self.optimiser = torch.optim.AdamW(self.judges.parameters(), rate, betas=(0.8, 0.99))

    def step(self, made: Tensor, real: Tensor, unpaired: Tensor | None = None) -> tuple[float, Tensor]:
        """Let the judges learn from waves (B, N) and recordings.

        Args:
            unpaired: Waves (B', N') that no recording answers.
        Returns:
            The hinge loss of the waves with recordings, 6 where the judges cannot tell; and what the generator should
            lower: a product whose gradient at the waves is that of the judges' verdict.
        """
        made, real = made[::2], real[::2]
        apart = made.detach().requires_grad_()
        hinge, verdict = self._verdict(apart, real)
        shown = float(hinge.detach())
        (slope,) = torch.autograd.grad(verdict, apart, retain_graph=True)
        pull = (made * slope).sum()
        if unpaired is not None:
            unpaired = unpaired[::2]
            apart = unpaired.detach().requires_grad_()
            scores = [judge(apart)[0] for judge in self.judges]
            hinge = hinge + torch.stack([F.relu(1 + score).mean() for score in scores]).sum()
            verdict = -_ADVERSARIAL * torch.stack([score.mean() for score in scores]).sum()
            (slope,) = torch.autograd.grad(verdict, apart, retain_graph=True)
            pull = pull + (unpaired * slope).sum()
        self.optimiser.zero_grad()
        hinge.backward()
        nn.utils.clip_grad_norm_(self.judges.parameters(), 10.0)
        self.optimiser.step()
        return shown, pull

    def _verdict(self, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """What the judges should lower, and what the generator should, of one pass.

        Returns:
            The hinge loss of telling a wave from a recording; and, for the generator, the judges' scores of its wave
            with the distance of their features from the recording's.
        """
        hinge, score, matching = made.new_zeros(()), made.new_zeros(()), made.new_zeros(())
        for judge in self.judges:
            of_real, wanted = judge(real)
            of_made, features = judge(made)
            hinge = hinge + F.relu(1 - of_real).mean() + F.relu(1 + of_made).mean()
            score = score - of_made.mean()
            distances = [(one - other.detach()).abs().mean() for one, other in zip(features, wanted, strict=True)]
            matching = matching + torch.stack(distances).sum()
        return hinge, _ADVERSARIAL * score + _MATCHING * matching

    def state_dict(self) -> dict[str, Any]:
        return {"judges": self.judges.state_dict(), "of_judges": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.judges.load_state_dict(state["judges"])
        self.optimiser.load_state_dict(state["of_judges"])


class SpectralDistance(nn.Module):
    """Distance of waves (B, N) from recordings: spectra at four resolutions, and the log-mel."""

    def __init__(self) -> None:
        super().__init__()
        self.spectra, self.log_mel = MultiResolutionSTFTLoss(_RESOLUTIONS), LogMel(FRONT_END)

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        convergence, magnitude = self.spectra(made, real)
        return convergence + magnitude + _MEL * (self.log_mel(made) - self.log_mel(real)).abs().mean()


def new_generator() -> SourceFilterGenerator:
    """The demo's vocoder, untrained."""
    return SourceFilterGenerator(SourceFilterSpec(), FRONT_END.n_mels, FRONT_END.hop_length, FRONT_END.sample_rate)


def at_level(clip: ClipFeatures, start: int, frames: int, rng: random.Random) -> tuple[Tensor, Tensor, Tensor, float]:
    """A crop at a random level: pitch (F,) in Hz, pulses and samples (F * 160,), and the level as a mel has it."""
    hop = FRONT_END.hop_length
    lf0 = torch.from_numpy(clip.lf0[start : start + frames])
    pitch = torch.where(lf0 != 0, lf0.exp(), 0.0)
    level = rng.uniform(-0.5, 0.1)
    samples = clip.samples[start * hop : (start + frames) * hop].astype(np.float32) / 32767
    pulses, _ = pulse_train(pitch, hop, FRONT_END.sample_rate, rng.random() * 6.28)
    return pitch, pulses, torch.from_numpy(samples) * 10**level, level


class VocoderCrops:
    """Random crops: mel (F, 80), pitch (F,), pulses and samples (F * 160,)."""

    def __init__(self, clips: list[ClipFeatures], rng: random.Random) -> None:
        self._rng = rng
        kinds = {name: [clip for clip in clips if clip.corpus == name and len(clip.mel) > 120] for name in _SHARES}
        self._kinds = {name: own for name, own in kinds.items() if own}
        if not self._kinds:
            raise InputError("the features hold no utterance of over 1.2 s to train a vocoder on")

    def crop(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One crop, at a random level, which the mel follows."""
        kinds = list(self._kinds)
        (kind,) = self._rng.choices(kinds, [_SHARES[one] for one in kinds])
        clip = self._rng.choice(self._kinds[kind])
        frames = min(len(clip.mel), len(clip.samples) // FRONT_END.hop_length, len(clip.lf0))
        start = self._rng.randrange(0, frames - CROP)
        pitch, pulses, wave, level = at_level(clip, start, CROP, self._rng)
        mel = torch.from_numpy(clip.mel[start : start + CROP].astype(np.float32)) + level
        return mel.clamp_min(FLOOR), pitch, pulses, wave

    def batch(self) -> list[Tensor]:
        """A batch of crops, in their order."""
        return [torch.stack(column) for column in zip(*(self.crop() for _ in range(_BATCH)), strict=True)]


def train(
    clips: list[ClipFeatures], out: Path, minutes: float, rate: float, adversarial_from: int, threads: int = 1
) -> None:
    """Train for some minutes, from `out` where it exists."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rng = random.Random(0)
    draws = VocoderCrops(clips, rng)
    frames = np.concatenate([clip.mel.astype(np.float32) for clip in rng.sample(clips, min(200, len(clips)))])
    mean, scale = torch.from_numpy(frames.mean(0)), torch.from_numpy(frames.std(0))
    generator, panel, distance = new_generator(), Panel(), SpectralDistance()
    optimiser = torch.optim.AdamW(generator.parameters(), rate, betas=(0.8, 0.95))
    step, hinge = 0, 0.0
    if out.exists():
        state = torch.load(out, weights_only=True)
        generator.load_state_dict(state["generator"])
        optimiser.load_state_dict(state["of_generator"])
        panel.load_state_dict(state)
        step, mean, scale = state["step"], state["mean"], state["scale"]

    def keep() -> None:
        save(
            out, step=step, mean=mean, scale=scale, generator=generator.state_dict(),
            of_generator=optimiser.state_dict(), **panel.state_dict(),
        )  # fmt: skip

    begin = time.monotonic()
    while time.monotonic() - begin < minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / _WARMUP) * _DECAY**step
        mel, pitch, pulses, wave = draws.batch()
        made = generator(((mel - mean) / scale).transpose(1, 2), pitch, pulses, torch.randn_like(pulses))
        made, real = made[:, EDGE:-EDGE], wave[:, EDGE:-EDGE]
        total = distance(made, real)
        optimiser.zero_grad()
        if step >= adversarial_from:
            hinge, pull = panel.step(made, real)
            if step >= adversarial_from + _JUDGES_FIRST:
                total = total + pull
        total.backward()
        nn.utils.clip_grad_norm_(generator.parameters(), 5.0)
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(step, round(float(total.detach()), 3), round(hinge, 3), flush=True)
        if step % 500 == 0:
            keep()
    keep()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=66.0)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--adversarial-from", type=int, default=4000, metavar="STEP")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    try:
        clips = [clip for clip in read_features(args.features) if clip.corpus in _SHARES]
        train(clips, args.out, args.minutes, args.rate, args.adversarial_from, args.threads)
    except (InputError, OSError) as error:
        raise SystemExit(f"source_filter: {error}") from error


if __name__ == "__main__":
    main()

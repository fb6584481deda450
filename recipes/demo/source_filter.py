"""Training of the vocoder: python -m recipes.demo.source_filter --features DIR --out FILE --minutes 36

Spectral distances first, after `--adversarial-from` steps also judges of spectra at three resolutions. With
`--predicted FILE` three quarters of the mels are those that the converter makes of the same utterances
(`recipes.demo.predicted_mels`). A further call goes on from FILE.
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
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from idfacevc.audio.mel import LogMel
from idfacevc.config.vocoder import SourceFilterSpec
from idfacevc.errors import InputError
from idfacevc.losses.stft import MultiResolutionSTFTLoss, Resolution
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator, pulse_train
from recipes.demo.clips import Features, read_features
from recipes.demo.converter import save
from recipes.demo.speech_features import FRONT_END

_SHARES = {"kokoro": 0.6, "librispeech": 0.3, "speechocean762": 0.1}
_BATCH, _FRAMES, _EDGE = 8, 80, 320  # crops, their frames, samples left out at each end, which lack their neighbours
_RESOLUTIONS = (
    Resolution(1024, 160, 800), Resolution(512, 80, 320), Resolution(256, 40, 160), Resolution(2048, 320, 1600),
)  # fmt: skip
_MEL, _ADVERSARIAL, _MATCHING = 2.0, 0.25, 1.0  # weights beside the spectral distances' 1
_JUDGES_FIRST = 100  # steps in which the judges learn alone
_WARMUP, _DECAY = 200, 0.99985


class SpectrumJudge(nn.Module):
    """Scores patches of a compressed complex spectrum. Shape: wave (B, N) -> scores, and the features on the way."""

    window: Tensor

    def __init__(self, size: int, hop: int, channels: int = 24) -> None:
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


class Draws:
    """Random crops: mel (F, 80), pitch (F,), pulses and samples (F * 160,)."""

    def __init__(self, clips: list[Features], predicted: dict[str, Tensor], rng: random.Random) -> None:
        self._rng, self._predicted = rng, predicted
        kinds = {name: [clip for clip in clips if clip.corpus == name and len(clip.mel) > 120] for name in _SHARES}
        self._kinds = {name: own for name, own in kinds.items() if own}
        self._by_id = {clip.id: clip for clip in clips}
        if not self._kinds:
            raise InputError("the features hold no utterance of over 1.2 s to train a vocoder on")

    def crop(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One crop, at a random level, which the mel follows."""
        while True:
            if self._predicted and self._rng.random() < 0.75:
                name = self._rng.choice(list(self._predicted))
                clip, mel = self._by_id[name], self._predicted[name].float()
            else:
                kinds = list(self._kinds)
                (kind,) = self._rng.choices(kinds, [_SHARES[one] for one in kinds])
                clip = self._rng.choice(self._kinds[kind])
                mel = torch.from_numpy(clip.mel.astype(np.float32))
            hop = FRONT_END.hop_length
            frames = min(len(mel), len(clip.samples) // hop, len(clip.lf0))
            if frames >= _FRAMES + 2:
                break
        start = self._rng.randrange(0, frames - _FRAMES)
        chosen = slice(start, start + _FRAMES)
        lf0 = torch.from_numpy(clip.lf0[chosen])
        pitch = torch.where(lf0 != 0, lf0.exp(), 0.0)
        gain = 10 ** self._rng.uniform(-0.5, 0.1)
        wave = torch.from_numpy(clip.samples[start * hop : (start + _FRAMES) * hop].astype(np.float32) / 32767) * gain
        mel = (mel[chosen] + np.log10(gain)).clamp_min(float(np.log10(FRONT_END.floor)))
        pulses, _ = pulse_train(pitch, hop, FRONT_END.sample_rate, self._rng.random() * 6.28)
        return mel, pitch, pulses, wave

    def batch(self) -> list[Tensor]:
        """A batch of crops, in their order."""
        return [torch.stack(column) for column in zip(*(self.crop() for _ in range(_BATCH)), strict=True)]


def train(
    clips: list[Features], out: Path, minutes: float, rate: float, adversarial_from: int,
    predicted: dict[str, Tensor], threads: int = 1,
) -> None:  # fmt: skip
    """Train for some minutes, from `out` where it exists."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rng = random.Random(0)
    draws = Draws(clips, predicted, rng)
    frames = np.concatenate([clip.mel.astype(np.float32) for clip in rng.sample(clips, min(200, len(clips)))])
    mean, scale = torch.from_numpy(frames.mean(0)), torch.from_numpy(frames.std(0))
    generator = SourceFilterGenerator(SourceFilterSpec(), FRONT_END.n_mels, FRONT_END.hop_length, FRONT_END.sample_rate)
    judges = nn.ModuleList([SpectrumJudge(1024, 256), SpectrumJudge(512, 128), SpectrumJudge(256, 64)])
    of_generator = torch.optim.AdamW(generator.parameters(), rate, betas=(0.8, 0.95))
    of_judges = torch.optim.AdamW(judges.parameters(), 4e-4, betas=(0.8, 0.99))
    parts: dict[str, Any] = {
        "generator": generator,
        "judges": judges,
        "of_generator": of_generator,
        "of_judges": of_judges,
    }
    step = 0
    if out.exists():
        state = torch.load(out, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        step, mean, scale = state["step"], state["mean"], state["scale"]
    spectra, log_mel = MultiResolutionSTFTLoss(_RESOLUTIONS), LogMel(FRONT_END)
    begin = time.monotonic()
    while time.monotonic() - begin < minutes * 60:
        for group in of_generator.param_groups:
            group["lr"] = rate * min(1, (step + 1) / _WARMUP) * _DECAY**step
        mel, pitch, pulses, wave = draws.batch()
        made = generator(((mel - mean) / scale).transpose(1, 2), pitch, pulses, torch.randn_like(pulses))
        made, real = made[:, _EDGE:-_EDGE], wave[:, _EDGE:-_EDGE]
        convergence, magnitude = spectra(made, real)
        total = convergence + magnitude + _MEL * (log_mel(made) - log_mel(real)).abs().mean()
        if step >= adversarial_from:
            _step(of_judges, judges, _hinge(judges, made.detach(), real), 10.0)
            if step >= adversarial_from + _JUDGES_FIRST:
                total = total + _adversarial(judges, made, real)
        _step(of_generator, generator, total, 5.0)
        step += 1
        if step % 100 == 0:
            print(step, round(float(convergence), 3), round(float(magnitude), 3), flush=True)
        if step % 500 == 0:
            save(out, step=step, mean=mean, scale=scale, **{name: part.state_dict() for name, part in parts.items()})
    save(out, step=step, mean=mean, scale=scale, **{name: part.state_dict() for name, part in parts.items()})


def _step(optimiser: torch.optim.Optimizer, module: nn.Module, loss: Tensor, clip: float) -> None:
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), clip)
    optimiser.step()


def _hinge(judges: nn.ModuleList, made: Tensor, real: Tensor) -> Tensor:
    """How well the judges tell a wave from a recording: the hinge loss of both."""
    terms = [F.relu(1 - judge(real)[0]).mean() + F.relu(1 + judge(made)[0]).mean() for judge in judges]
    return torch.stack(terms).sum()


def _adversarial(judges: nn.ModuleList, made: Tensor, real: Tensor) -> Tensor:
    """What the judges make of a wave, and how far their features are from the recording's."""
    score, matching = made.new_zeros(()), made.new_zeros(())
    for judge in judges:
        with torch.no_grad():
            _, wanted = judge(real)
        scores, features = judge(made)
        score = score - scores.mean()
        matching = matching + sum((one - other).abs().mean() for one, other in zip(features, wanted, strict=True))
    return _ADVERSARIAL * score + _MATCHING * matching


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=36.0)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--adversarial-from", type=int, default=1000, metavar="STEP")
    parser.add_argument("--predicted", type=Path, help="mels that the converter makes of the same utterances")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    try:
        clips = [clip for clip in read_features(args.features) if clip.corpus in _SHARES]
        predicted = load_file(args.predicted) if args.predicted else {}
        train(clips, args.out, args.minutes, args.rate, args.adversarial_from, predicted, args.threads)
    except (InputError, OSError) as error:
        raise SystemExit(f"source_filter: {error}") from error


if __name__ == "__main__":
    main()

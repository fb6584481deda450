"""Converter and vocoder together: python -m recipes.demo.joint --features DIR --converter FILE --vocoder FILE --out DIR

Both are trained apart first (`recipes.demo.converter`, `recipes.demo.source_filter`). The mel that an L1 distance makes
is the mean of all that could follow, and sounds dull. Here the vocoder speaks the converter's own mels, and what its
spectral distances and judges find goes back into both. A quarter of the mels are recordings', so that the vocoder stays
one of real mels too. Conversions that no recording answers are judged beside them (`recipes.demo.unpaired`).
DIR/converter.pt and DIR/vocoder.pt are the results; a further call goes on from them.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from recipes.demo import converter, source_filter, unpaired
from recipes.demo.clips import ClipFeatures, groups_of, read_features
from recipes.demo.source_filter import CROP, EDGE, FLOOR, FRONT_END

_BATCH, _FRAMES = 8, 112
_MARGIN = (_FRAMES - CROP) // 2  # frames around what is spoken, which the converter sees only
_SPOKEN = 1.0  # weight of the wave's distance beside the mel's
_VOICE, _CONTENT = 2.0, 0.5  # weights of what listeners miss in unpaired conversions
_RATE, _JUDGES_RATE = 3e-4, 2e-4
_REAL = {"librispeech": 0.85, "speechocean762": 0.15}  # shares of real speech: targets should be clean
_PARALLEL = 0.65


class WaveCrops:
    """Random crops of pairs, as in `converter.PairCrops`, with the wave in their middle."""

    def __init__(self, clips: list[ClipFeatures], seed: int = 2) -> None:
        self._rng = random.Random(seed)
        self._crops = converter.PairCrops(clips, seed)
        self._groups = groups_of(clips)
        long = [clip for clip in clips if len(clip.mel) > _FRAMES + 2]
        real = {name: [clip for clip in long if clip.corpus == name] for name in _REAL}
        self._real = {name: own for name, own in real.items() if own}
        if not self._real:
            raise InputError("the features hold no real utterance of over 1.2 s")

    def _pair(self) -> tuple[np.ndarray, ClipFeatures]:
        if self._rng.random() < _PARALLEL:
            source, target = self._rng.choices(self._rng.choice(self._groups), k=2)
            return self._rng.choice(list(source.words)), target
        names = list(self._real)
        (name,) = self._rng.choices(names, [_REAL[one] for one in names])
        target = self._rng.choice(self._real[name])
        return self._rng.choice(list(target.words)), target

    def crop(self) -> tuple[list[Tensor], tuple[Tensor, Tensor, Tensor, float]]:
        """What `converter.losses` takes, and what `source_filter.at_level` makes of the middle."""
        while True:
            words, target = self._pair()
            frames = min(len(target.mel), 2 * len(words), len(target.samples) // FRONT_END.hop_length)
            if frames > _FRAMES:
                break
        start = self._rng.randrange(0, frames - _FRAMES) // 2 * 2
        cut = self._crops.cut(words, target, start, start + _FRAMES)
        sound = source_filter.at_level(target, start + _MARGIN, CROP, self._rng)
        return [torch.from_numpy(np.asarray(array)).float() for array in cut], sound

    def batch(self) -> tuple[list[Tensor], list[Tensor]]:
        """Arrays for the converter; and pitch, pulses, samples and levels (B, 1, 1) for the vocoder."""
        crops = [self.crop() for _ in range(_BATCH)]
        arrays = [torch.stack(column) for column in zip(*(cut for cut, _ in crops), strict=True)]
        pitch, pulses, wave, level = zip(*(sound for _, sound in crops), strict=True)
        levels = torch.tensor(level)[:, None, None]
        return arrays, [torch.stack(pitch), torch.stack(pulses), torch.stack(wave), levels]


def spoken_mel(net: IDFaceVCNet, made: Tensor, recorded: Tensor, levels: Tensor) -> Tensor:
    """The mels (B, 80, 80) to speak, at their levels: the middle of the converter's, of every fourth the recording's.

    Every fourth, from the third on: the judges see every second.
    """
    mel = net.denormalise_mel(made).clone()
    mel[2::4] = recorded[2::4].transpose(1, 2)
    return (mel[..., _MARGIN : _MARGIN + CROP] + levels).clamp_min(FLOOR)


def train(clips: list[ClipFeatures], first: tuple[Path, Path], out: Path, minutes: float, threads: int = 1) -> None:
    """Train both for some minutes along one cosine of the rate, from `out` where it exists, else from `first`."""
    torch.set_num_threads(threads)
    results = out / "converter.pt", out / "vocoder.pt"
    before = [
        torch.load(own if own.exists() else other, weights_only=True)
        for own, other in zip(results, first, strict=True)
    ]  # fmt: skip
    torch.manual_seed(before[1]["step"])
    net, generator = IDFaceVCNet(converter.read_sizes()), source_filter.new_generator()
    panel, distance = source_filter.Panel(_JUDGES_RATE), source_filter.SpectralDistance()
    net.load_state_dict(before[0]["net"])
    generator.load_state_dict(before[1]["generator"])
    panel.load_state_dict(before[1])
    for group in panel.optimiser.param_groups:
        group["lr"] = _JUDGES_RATE
    mean, scale, step = before[1]["mean"][:, None], before[1]["scale"][:, None], before[1]["step"]
    draws, others = WaveCrops(clips, seed=step), unpaired.UnpairedCrops(clips, seed=step)
    listeners = unpaired.Listeners(net.content.encoder)
    parameters = [*converter.learning(net), *generator.parameters()]
    optimiser = torch.optim.AdamW(parameters, _RATE, betas=(0.8, 0.98), weight_decay=0.01)
    net.train()

    def keep() -> None:
        converter.save(results[0], net=net.state_dict(), step=step)
        converter.save(
            results[1], step=step, mean=mean[:, 0], scale=scale[:, 0], generator=generator.state_dict(),
            **panel.state_dict(),
        )  # fmt: skip

    begin, seconds, count = time.monotonic(), minutes * 60, 0
    while (passed := time.monotonic() - begin) < seconds:
        fall = 0.03 + 0.97 * (0.5 + 0.5 * math.cos(math.pi * passed / seconds))
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1, (count + 1) / 50) * fall
        arrays, (pitch, pulses, wave, levels) = draws.batch()
        terms, made = converter.losses(net, arrays)
        mel = spoken_mel(net, made, arrays[1], levels)
        sound = generator((mel - mean) / scale, pitch, pulses, torch.randn_like(pulses))
        sound, wave = sound[:, EDGE:-EDGE], wave[:, EDGE:-EDGE]
        far = distance(sound, wave)
        drawn = others.batch()
        alone = unpaired.convert_unpaired(net, generator, (mean, scale), drawn)
        voice, said = unpaired.listener_losses(listeners, net, alone, drawn)
        optimiser.zero_grad()
        hinge, pull = panel.step(sound, wave, alone)
        (converter.total(terms) + _SPOKEN * far + pull + _VOICE * voice + _CONTENT * said).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        step, count = step + 1, count + 1
        if count % 50 == 0:
            figures = *(float(one.detach()) for one in (terms["rec"], far, voice, said)), hinge
            print(step, *(round(figure, 3) for figure in figures), flush=True)
        if count % 300 == 0:
            keep()
    keep()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("features", "converter", "vocoder", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    try:
        clips = [clip for clip in read_features(args.features) if clip.corpus == "kokoro" or clip.corpus in _REAL]
        train(clips, (args.converter, args.vocoder), args.out, args.minutes, args.threads)
    except (InputError, OSError) as error:
        raise SystemExit(f"joint: {error}") from error


if __name__ == "__main__":
    main()

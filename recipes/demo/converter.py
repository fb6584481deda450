"""Training of the converter: python -m recipes.demo.converter --features DIR --whisper FILE --out FILE

Half of a batch is parallel speech: what one timbre says becomes the mel of another, with that one's pitch and speaker
vector, so that content has no reason to carry a voice. The other half is real speech that becomes itself again, from
versions of it whose speaker is hidden. A training that was stopped goes on from FILE; a further call, with a lower
rate, goes on as well.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor

from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError
from idfacevc.losses.register import register_loss
from idfacevc.models.idfacevc.network import IDFaceVCNet
from recipes.demo.clips import ClipFeatures, groups_of, mean_vectors, read_features

SIZES = Path(__file__).with_name("conf") / "converter.yaml"
BATCH, FRAMES = 16, 128
_EARLY, _CHANGE, _REGISTER = 0.5, 0.3, 0.1  # weights beside the reconstruction's 1
_REAL = {"librispeech": 0.45, "speechocean762": 0.35, "picovoice": 0.2}  # shares of real speech
_WARMUP = 200  # steps


def read_sizes() -> ModelSpec:
    """The network's sizes, conf/converter.yaml."""
    return from_dict(ModelSpec, yaml.safe_load(SIZES.read_text(encoding="utf-8")))


class PairCrops:
    """Random crops of pairs: content of one clip, everything else of another (or the same)."""

    def __init__(self, clips: list[ClipFeatures], seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self._groups = groups_of(clips)
        self._means = mean_vectors(clips)
        real = {name: [clip for clip in clips if clip.corpus == name] for name in _REAL}
        self._real = {name: own for name, own in real.items() if own}
        if not self._groups or not self._real:
            raise InputError("the features must hold parallel speech (groups of three) and real speech")

    def pair(self) -> tuple[np.ndarray, ClipFeatures]:
        """Whisper's features (L, 384) of a source, and the target that is aligned with it."""
        if self._rng.random() < 0.5:
            group = self._rng.choice(self._groups)
            source, target = self._rng.choice(group), self._rng.choice(group)
            return source.words[int(self._rng.random() < 0.5)], target
        names = list(self._real)
        (name,) = self._rng.choices(names, [_REAL[one] for one in names])
        target = self._rng.choice(self._real[name])
        return target.words[self._rng.choices([0, 1, 2], [0.15, 0.45, 0.4])[0]], target

    def crop(self) -> tuple[np.ndarray, ...]:
        """words (F / 2, 384), mel (F, 80), contour (F,), speaker (256,), register (2,), mask (F,) of F frames."""
        words, target = self.pair()
        total = min(len(target.mel), 2 * len(words), len(target.contour)) // 2 * 2
        start = self._rng.randrange(0, max(1, total - FRAMES)) // 2 * 2
        return self.cut(words, target, start, min(start + FRAMES, total))

    def cut(self, words: np.ndarray, target: ClipFeatures, start: int, stop: int) -> tuple[np.ndarray, ...]:
        """The arrays of `crop`, of the frames from `start` (even) to `stop`."""
        speaker = target.speaker_vector
        if self._rng.random() < 0.5:
            speaker = self._means.get(target.speaker, speaker)
        mask = np.zeros(FRAMES, np.float32)
        mask[: stop - start] = 1
        return (
            _filled(words[start // 2 : stop // 2].astype(np.float32), FRAMES // 2),
            _filled(target.mel[start:stop].astype(np.float32), FRAMES),
            _filled(target.contour[start:stop], FRAMES),
            speaker,
            target.register,
            mask,
        )

    def batch(self) -> list[Tensor]:
        """A batch of crops, in their order."""
        columns = zip(*(self.crop() for _ in range(BATCH)), strict=True)
        return [torch.from_numpy(np.stack(column)).float() for column in columns]


def _filled(array: np.ndarray, length: int) -> np.ndarray:
    return np.pad(array, ((0, length - len(array)),) + ((0, 0),) * (array.ndim - 1))


def losses(net: IDFaceVCNet, batch: list[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    """What is lowered, and the normalised mel (B, 80, F) that was made.

    The terms are the L1 distance of the mel, before and after refinement, that of its changes in time, and the error
    of the register.
    """
    words, mel, contour, speaker, register, mask = batch
    target = net.normalise_mel(mel.transpose(1, 2))
    mask = mask[:, None]
    with torch.autocast(mel.device.type, torch.bfloat16):
        voice = net.speech_voice(speaker).voice
        own = net.pitch.register_of(voice)
        assert own is not None, "the sizes of conf/converter.yaml tell a register"
        known = (register[:, 1] > 0)[:, None]  # utterances without a voiced frame have no register
        early, refined = net.decode(
            net.content(words).z_q, contour, voice, torch.where(known, register, own.detach().float())
        )

    def distance(one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
        return ((one - other).abs() * weight).sum() / mask.sum() / target.shape[1]

    early, refined = early.float(), refined.float()
    terms = {
        "rec": distance(refined, target, mask),
        "early": distance(early, target, mask),
        "change": distance(refined.diff(dim=2), target.diff(dim=2), mask[..., 1:]),
        "register": register_loss(own.float(), register),
    }
    return terms, refined


def total(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum of `losses`."""
    return terms["rec"] + _EARLY * terms["early"] + _CHANGE * terms["change"] + _REGISTER * terms["register"]


def learning(net: IDFaceVCNet) -> list[torch.nn.Parameter]:
    """The parameters that speech trains: all but the face's and the memory's."""
    return [
        parameter
        for name, parameter in net.named_parameters()
        if parameter.requires_grad and not name.startswith(("face_", "memory."))
    ]


def train(clips: list[ClipFeatures], whisper: Path, out: Path, minutes: float, rate: float, threads: int = 1) -> None:
    """Train for some minutes along one cosine of the rate, from `out` where it exists."""
    from safetensors.torch import load_file

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    draws = PairCrops(clips)
    net = IDFaceVCNet(read_sizes())
    net.content.encoder.load_state_dict(load_file(whisper))
    frames = np.concatenate(
        [clip.mel.astype(np.float32) for clip in random.Random(1).sample(clips, min(600, len(clips)))]
    )
    net.mel_mean.copy_(torch.from_numpy(frames.mean(0)))
    net.mel_std.copy_(torch.from_numpy(frames.std(0)))
    parameters = learning(net)
    optimiser = torch.optim.AdamW(parameters, rate, betas=(0.9, 0.98), weight_decay=0.01)
    step = 0
    if out.exists():
        state = torch.load(out, weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
    net.train()
    begin, seconds = time.monotonic(), minutes * 60
    while (passed := time.monotonic() - begin) < seconds:
        fall = 0.03 + 0.97 * (0.5 + 0.5 * math.cos(math.pi * passed / seconds))
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / _WARMUP) * fall
        terms, _ = losses(net, draws.batch())
        optimiser.zero_grad()
        total(terms).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(step, {name: round(float(value), 3) for name, value in terms.items()}, flush=True)
        if step % 300 == 0:
            save(out, net=net.state_dict(), optimiser=optimiser.state_dict(), step=step)
    save(out, net=net.state_dict(), optimiser=optimiser.state_dict(), step=step)


def save(out: Path, **state: object) -> None:
    """Write a training's state under a temporary name, then under its own."""
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, out.with_suffix(".part"))
    out.with_suffix(".part").replace(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=68.0)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    try:
        train(read_features(args.features), args.whisper, args.out, args.minutes, args.rate, args.threads)
    except (InputError, OSError) as error:
        raise SystemExit(f"converter: {error}") from error


if __name__ == "__main__":
    main()

"""Mels that the converter makes of its training utterances, aligned with the recordings, for the vocoder's training.

python -m recipes.demo.predicted_mels --features DIR --converter FILE --out FILE
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from recipes.demo.clips import Features, groups_of, read_features
from recipes.demo.converter import read_sizes

FLOOR = -5.0  # log10 of the mel's floor


@torch.inference_mode()
def predicted(net: IDFaceVCNet, source: Features, target: Features, version: int) -> Tensor:
    """The mel (T, 80) of `target`, from the words of `source`."""
    words = torch.from_numpy(source.words[version]).float()[None]
    voice = net.speech_voice(torch.from_numpy(target.speaker_vector)[None]).voice
    register = torch.from_numpy(target.register)[None]
    _, mel = net.decode(net.content(words).z_q, torch.from_numpy(target.contour)[None], voice, register)
    return net.denormalise(mel)[0].T.clamp_min(FLOOR).contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--converter", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = random.Random(5)
    try:
        clips = read_features(args.features)
        net = IDFaceVCNet(read_sizes())
        net.load_state_dict(torch.load(args.converter, weights_only=True)["net"])
    except (InputError, OSError) as error:
        raise SystemExit(f"predicted_mels: {error}") from error
    net.eval()
    pairs = [(rng.choice(group), target) for group in groups_of(clips) for target in group]
    pairs += [(clip, clip) for clip in clips if clip.corpus == "librispeech"]
    mels = {target.id: predicted(net, source, target, rng.randrange(len(source.words))) for source, target in pairs}
    save_file(mels, args.out.with_suffix(".part"))
    args.out.with_suffix(".part").replace(args.out)


if __name__ == "__main__":
    main()

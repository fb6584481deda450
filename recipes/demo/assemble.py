"""The bundle out of its parts: python -m recipes.demo.assemble --features DIR --converter FILE --vocoder FILE
                                       --face-side BUNDLE --out DIR

The face side (tower, query-former, adapter, keys of the memory) is that of another bundle; the memory's values become
the voices of the speakers that conf/voices.yaml names.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import yaml

from idfacevc.bundles.model import load_bundle, save_bundle
from idfacevc.config.vocoder import MelStatistics, SourceFilterSpec, SourceFilterVocoderSpec
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.memory import FaceVoiceMemory
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator
from recipes.demo.clips import read_features
from recipes.demo.converter import read_sizes

VOICES = Path(__file__).with_name("conf") / "voices.yaml"
_FACE_SIDE = ("face_head.", "face_adapter.", "memory.")


def voices_of(features: Path, slots: int) -> torch.Tensor:
    """The speaker vector (S, 256), of unit length, of each slot's speaker."""
    table = yaml.safe_load(VOICES.read_text(encoding="utf-8"))
    own: dict[str, list[np.ndarray]] = {}
    for clip in read_features(features):
        own.setdefault(clip.speaker, []).append(clip.speaker_vector)
    if missing := sorted(set(table.values()) - set(own)):
        raise InputError(f"{VOICES.name}: the features hold no {', '.join(missing[:3])}")
    means = np.stack([np.mean(own[table[slot]], axis=0) for slot in range(slots)])
    return torch.from_numpy(means / np.linalg.norm(means, axis=1, keepdims=True)).float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("features", "converter", "vocoder", "face-side", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--name", default="demo")
    args = parser.parse_args()
    try:
        faces = load_bundle(args.face_side)
        spec = read_sizes()
        net = IDFaceVCNet(spec)
        state = torch.load(args.converter, weights_only=True)["net"]
        state |= {key: value for key, value in faces.net.state_dict().items() if key.startswith(_FACE_SIDE)}
        net.load_state_dict(state)
        net.eval()
        assert isinstance(net.memory, FaceVoiceMemory)
        with torch.no_grad():
            voices = net.speech_voice(voices_of(args.features, net.memory.speech_values.shape[0])).voice
            net.memory.load_state_dict({**net.memory.state_dict(), "speech_values": voices})
        trained = torch.load(args.vocoder, weights_only=True)
        sizes, front_end = SourceFilterSpec(), spec.front_end
        generator = SourceFilterGenerator(sizes, front_end.n_mels, front_end.hop_length, front_end.sample_rate)
        generator.load_state_dict(trained["generator"])
        statistics = MelStatistics(tuple(trained["mean"].tolist()), tuple(trained["scale"].tolist()))
        vocoder = SourceFilterVocoderSpec(front_end=front_end, source_filter=sizes, statistics=statistics)
        save_bundle(args.out, net, faces.tower, name=args.name, vocoder=vocoder, generator=generator)
    except (InputError, OSError) as error:
        raise SystemExit(f"assemble: {error}") from error


if __name__ == "__main__":
    main()

"""How much of the difference between voices a face-voice memory keeps: is it one average voice for all?

    python benchmarks/memory_spread.py --checkpoint stage_b/last.ckpt --features features/speech --faces features/faces

Prints mean squared distances from the mean of: speech vectors e_s of training clips, what the memory recalls for them,
and what it recalls for faces of 20 to 49 years of the validation split; and the slots that an address uses.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict
from idfacevc.data.shards import FeatureStore
from idfacevc.losses.memory import address_entropy
from idfacevc.models.idfacevc.network import IDFaceVCNet

ADULTS = ("20-29", "30-39", "40-49")


def spread(vectors: Tensor) -> float:
    """Mean squared distance from the mean of vectors (n, D)."""
    return float(((vectors - vectors.mean(dim=0)) ** 2).sum(dim=1).mean())


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, help="Lightning checkpoint of stage B")
    parser.add_argument("--features", required=True, help="shards of the speech")
    parser.add_argument("--faces", required=True, help="shards of the faces")
    args = parser.parse_args()

    state = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    net = IDFaceVCNet(from_dict(ModelSpec, state["model_spec"])).eval()
    net.load_state_dict({k.removeprefix("net."): v for k, v in state["state_dict"].items() if k.startswith("net.")})

    store = FeatureStore(args.features)
    clips = [i for i, clip in enumerate(store.clips) if clip.split == "train" and clip.gender]
    e_s = net.speech_voice(torch.stack([store.read(i, "speech")[0] for i in clips])).voice
    log_address = net.memory.log_speech_address(e_s)
    recalled = net.memory.recall(log_address)
    print(f"speech vectors e_s: {spread(e_s):.3f}")
    print(f"recalled for them: {spread(recalled):.3f}, error {float(((e_s - recalled) ** 2).sum(dim=1).mean()):.3f}")
    print(f"slots in use: {float(address_entropy(log_address).exp()):.1f} of {net.spec.memory.slots}")

    faces = FeatureStore(args.faces)
    shown = [i for i, clip in enumerate(faces.clips) if clip.split == "valid" and clip.age in ADULTS]
    identity = net.face_head(torch.stack([faces.read(i, "face", 0, 1)[0] for i in shown]))
    voice = net.voice_of_identity(identity).voice
    men = torch.tensor([faces.clips[i].gender == "m" for i in shown])
    gap = float(((voice[men].mean(dim=0) - voice[~men].mean(dim=0)) ** 2).sum())
    print(f"recalled for faces: {spread(voice):.3f}, men {spread(voice[men]):.3f}, women {spread(voice[~men]):.3f}")
    print(f"squared distance of their means: {gap:.3f}")
    print(f"with a sharpness of {net.memory.sharpness:g}: {spread(net.inference_voice(identity)):.3f}")


if __name__ == "__main__":
    main()

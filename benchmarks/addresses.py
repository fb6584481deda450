"""Does a face find its voice, one voice in every crop, and another voice than other people?

    python -m benchmarks.addresses --checkpoint BUNDLE --corpora DIR --faces features/faces \\
        --pairing features/pairing.safetensors

For one and for several framings, and for several degrees of sharpness: the mean cosine of the voices of a face and of
its other crops, that of the voices of different people of a gender and decade, and the length of a voice; then how
often the recalled voice of a prepared face is the nearest to the memory slot of its assigned speaker.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc import IDFaceVC
from idfacevc.data.shards import FeatureStore
from idfacevc.face.crop import framings
from idfacevc.face.image import load_image
from recipes.demo.evaluate.test_set import crop_variants, faces_by_cell, read_face
from recipes.demo.pairing import Pairing, group_of

SHARPNESS = (1.0, 2.0, 3.0)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--checkpoint", default="demo", help="bundle whose slots begin with the speakers in sorted order"
    )
    parser.add_argument("--corpora", required=True, type=Path)
    parser.add_argument("--faces", required=True, help="shards of the faces")
    parser.add_argument("--pairing", required=True, type=Path)
    args = parser.parse_args()
    vc, rows = IDFaceVC.from_pretrained(args.checkpoint), faces_by_cell(args.corpora)
    cells = {cell: [read_face(args.corpora, row.path) for row in own[:8]] for cell, own in rows.items()}
    memory = vc.net.memory

    def identity(image: object, several: bool) -> Tensor:
        crop = load_image(image)  # type: ignore[arg-type]
        tokens = vc.faces.backbone.tokens(framings(crop) if several else [crop]).mean(dim=0)
        return vc.net.face_head(tokens[None])

    photos = [(image, *crop_variants(image).values()) for own in cells.values() for image in own[:3]]
    for several in (False, True):
        crops = [[identity(one, several) for one in shown] for shown in photos]
        people = [(*cell, identity(image, several)) for cell, own in cells.items() for image in own]
        for memory.sharpness in SHARPNESS:
            voice = vc.net.inference_voice
            same = [F.cosine_similarity(voice(own[0]), voice(other)) for own in crops for other in own[1:]]
            pairs = [(a, b) for a, b in combinations(people, 2) if a[:2] == b[:2]]
            other = [F.cosine_similarity(voice(a[2]), voice(b[2])) for a, b in pairs]
            length = torch.stack([voice(one[2]).norm() for one in people]).mean()
            print(f"framings {5 if several else 1}, sharpness {memory.sharpness:g}:", end=" ")
            print(f"other crop {torch.cat(same).mean():.3f}, other people {torch.cat(other).mean():.3f},", end=" ")
            print(f"length {length:.2f}")

    pairing, store = Pairing.load(args.pairing), FeatureStore(args.faces)
    names = sorted({name for group in pairing.groups.values() for name in group.speakers})
    memory.sharpness = 2.0
    for split, view in (("train", 0), ("train", 1), ("valid", 0)):
        chosen = [i for i, clip in enumerate(store.clips)
                  if clip.split == split and group_of(clip.gender, clip.age) in pairing.groups][::5]  # fmt: skip
        plain = torch.stack([store.read(i, "face", 0, 1)[0].mean(dim=0) for i in chosen])
        clips = [store.clips[i] for i in chosen]
        wanted = torch.tensor([names.index(pairing.assign(one[None], group_of(clip.gender, clip.age))[0])
                               for one, clip in zip(plain, clips, strict=True)])  # fmt: skip
        tokens = torch.stack([store.read(i, "face", view, view + 1)[0] for i in chosen])
        voices = vc.net.inference_voice(vc.net.face_head(tokens))
        cosine = F.normalize(voices) @ F.normalize(memory.speech_values[: len(names)]).T
        right = (cosine.argmax(dim=1) == wanted).float().mean()
        own = cosine[torch.arange(len(wanted)), wanted].mean()
        print(f"{split}, view {view}: assigned voice nearest {right:.3f}, cosine to it {own:.3f}")


if __name__ == "__main__":
    main()

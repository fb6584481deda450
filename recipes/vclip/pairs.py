"""Association heads on real pairs: the shards of a corpus of videos (`idfacevc prepare folder`, `lrs3` or `voxceleb`).

    python -m recipes.vclip.pairs --features DIR --out HEADS.safetensors [--judge HEADS.safetensors]
                                  [--voice-head realnvp] [--batch 1024] [--cells 0.5] [--mined 1] [--epochs 100]

The split "train" teaches; figures are those of the split "valid", with the same-gender figure beside each. Cells are
gender and age group, where the shards know them. With --judge other heads score the same pairs as well: who chooses
may not be the only one to judge.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from idfacevc.data.shards import Clip, FeatureStore
from idfacevc.errors import InputError
from idfacevc.evaluation.association import figures
from idfacevc.evaluation.association_heads import mean_scores
from idfacevc.files import replacing
from idfacevc.models.vclip.heads import Association, AssociationSpec
from idfacevc.training.association import Schedule, fit_association

_SPEC = "association"


def pairs_of(store: FeatureStore, split: str) -> tuple[Tensor, Tensor, list[Clip]]:
    """Face (n, F) and voice features (n, V), means over views and tokens, of clips with both and a speaker.

    Raises:
        InputError: for a split without pairs.
    """
    wanted = [index for index, clip in enumerate(store.clips) if clip.split == split and clip.speaker]
    wanted = [index for index in wanted if {"face", "speech"} <= set(store.clips[index].rows)]
    if not wanted:
        raise InputError(f"the shards hold no clip of the split {split} with a face, speech and a speaker")
    face, voice = (
        torch.stack([store.read(index, array).mean(dim=(0, 1)) for index in wanted]) for array in ("face", "speech")
    )
    return face, voice, [store.clips[index] for index in wanted]


def numbered(labels: Sequence[object]) -> Tensor:
    """Integers (n,), equal for equal labels."""
    names = sorted({str(one) for one in labels})
    return torch.tensor([names.index(str(one)) for one in labels])


def save_heads(heads: Association, path: Path) -> None:
    with replacing(path) as temporary:
        save_file(heads.state_dict(), temporary, {_SPEC: json.dumps(asdict(heads.spec))})


def load_heads(path: Path) -> Association:
    """Heads as `save_heads` wrote them, in evaluation mode."""
    with safe_open(path, "pt") as file:
        heads = Association(AssociationSpec(**json.loads(file.metadata()[_SPEC])))
        heads.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118  no mapping
    return heads.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True, metavar="DIR", help="shards")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".safetensors")
    parser.add_argument("--judge", type=Path, metavar="FILE", help="other heads")
    parser.add_argument("--voice-head", choices=["mlp", "realnvp"], default="realnvp")
    parser.add_argument("--dim", type=int, default=512, help="of the common space, with an MLP (%(default)s)")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--cells", type=float, default=0.0, help="share of a batch out of one cell (%(default)s)")
    parser.add_argument("--mined", type=float, default=0.0, help="weight of mined negatives (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    store = FeatureStore(args.features)
    face, voice, clips = pairs_of(store, "train")
    dim = voice.shape[1] if args.voice_head == "realnvp" else args.dim
    spec = AssociationSpec(face.shape[1], voice.shape[1], dim, voice_head=args.voice_head)
    schedule = Schedule(args.epochs, args.batch, cell_share=args.cells, mined=args.mined)
    cell = numbered([(one.gender, one.age) for one in clips])
    identity = numbered([one.speaker for one in clips])
    heads, auc = fit_association(face, voice, identity, spec, schedule, cell, args.seed)
    save_heads(heads, args.out)
    print(f"{len(face)} pairs of {len(identity.unique())} people, development AUC {auc:.3f}, written: {args.out}")
    face, voice, clips = pairs_of(store, "valid")
    names, gender = (np.array([getattr(one, label) for one in clips]) for label in ("speaker", "gender"))
    judges = {"heads": heads} | ({"judge": load_heads(args.judge)} if args.judge else {})
    tables = {name: figures(mean_scores([one], face, voice), names, gender, args.seed) for name, one in judges.items()}
    print(f"\n| {len(face)} pairs of {len(set(names))} people | {' | '.join(tables)} |\n|---|" + "---|" * len(tables))
    for rows in zip(*tables.values(), strict=True):
        print(f"| {rows[0][0]} | {' | '.join(value for _, value in rows)} |")


if __name__ == "__main__":
    main()

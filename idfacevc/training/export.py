"""Turn Lightning checkpoints into a bundle: python -m idfacevc.training.export tower|bundle …"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from idfacevc.backbones.tower import FaceTower, load_tower, save_tower
from idfacevc.bundles.vocoder import read_vocoder
from idfacevc.config.model import ModelSpec, TowerSpec
from idfacevc.config.reader import from_dict
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.training.resume import read_checkpoint


def _state(checkpoint: Path) -> dict[str, Any]:
    return read_checkpoint(str(checkpoint))


def _part(state: dict[str, Any], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: value for name, value in state["state_dict"].items() if name.startswith(prefix)}


def read_network(checkpoint: Path | str) -> IDFaceVCNet:
    """The network of a stage's checkpoint, in evaluation mode."""
    state = _state(Path(checkpoint))
    net = IDFaceVCNet(from_dict(ModelSpec, state["model_spec"]))
    net.load_state_dict(_part(state, "net."))
    return net.eval()


def export_tower(checkpoint: Path, out: Path) -> None:
    """The (averaged) face tower of a checkpoint, as face.safetensors in `out`."""
    state = _state(checkpoint)
    sizes = {name: state["hyper_parameters"][name] for name in ("channels", "blocks", "image_size")}
    spec = from_dict(TowerSpec, sizes)
    tower = FaceTower(spec.channels, spec.blocks, spec.image_size)
    tower.load_state_dict(_part(state, "tower."))
    out.mkdir(parents=True, exist_ok=True)
    save_tower(out, tower, spec)


def export_bundle(checkpoint: Path, tower: Path | None, out: Path, name: str, vocoder: Path | None = None) -> None:
    """The network of a stage's checkpoint as a bundle in `out`.

    Args:
        tower: folder of the tower that it was trained on, if any.
        vocoder: folder of a trained vocoder; without one it is Griffin-Lim.
    """
    from idfacevc.bundles.model import save_bundle

    net = read_network(checkpoint)
    spec, generator = read_vocoder(vocoder, net.spec.front_end) if vocoder else (None, None)
    save_bundle(out, net, load_tower(tower) if tower else None, name=name, vocoder=spec, generator=generator)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    tower = what.add_parser("tower")
    bundle = what.add_parser("bundle")
    for one in (tower, bundle):
        one.add_argument("--checkpoint", type=Path, required=True)
        one.add_argument("--out", type=Path, required=True)
    bundle.add_argument("--tower", type=Path, help="folder of the face tower, where that is the backbone")
    bundle.add_argument("--vocoder", type=Path, help="folder of a trained vocoder, in place of Griffin-Lim")
    bundle.add_argument("--name", default="demo")
    args = parser.parse_args()
    if args.what == "tower":
        export_tower(args.checkpoint, args.out)
    else:
        export_bundle(args.checkpoint, args.tower, args.out, args.name, args.vocoder)


if __name__ == "__main__":
    main()

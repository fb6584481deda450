"""Lightning checkpoints become what is loaded without Lightning: a bundle, or a face tower."""

from __future__ import annotations

from pathlib import Path

from idfacevc.backbones.tower import FaceTower, load_tower, save_tower
from idfacevc.bundles.format_1 import model_of_format_1
from idfacevc.bundles.vocoder import read_vocoder
from idfacevc.config.face import TowerSpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.training.resume import read_checkpoint, weights_under


def read_network(checkpoint: Path | str) -> IDFaceVCNet:
    """The network of a stage's checkpoint, in evaluation mode."""
    state = read_checkpoint(str(checkpoint))
    net = IDFaceVCNet(from_dict(ModelSpec, model_of_format_1(state["model_spec"])))
    net.load_state_dict(weights_under(state, "net."))
    return net.eval()


def export_tower(checkpoint: Path, out: Path) -> None:
    """The (averaged) face tower of a checkpoint, as face.safetensors in `out`."""
    state = read_checkpoint(str(checkpoint))
    if "tower_spec" not in state:
        raise InputError(f"{checkpoint}: holds neither a stage's network nor a face tower")
    tower = FaceTower(from_dict(TowerSpec, state["tower_spec"]))
    tower.load_state_dict(weights_under(state, "tower."))
    out.mkdir(parents=True, exist_ok=True)
    save_tower(out, tower)


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


def export(checkpoint: Path, out: Path, name: str, tower: Path | None = None, vocoder: Path | None = None) -> str:
    """What a checkpoint holds, written into `out`: the bundle of a stage, or a face tower. Returns which of them."""
    if "model_spec" in read_checkpoint(str(checkpoint)):
        export_bundle(checkpoint, tower, out, name, vocoder)
        return "bundle"
    export_tower(checkpoint, out)
    return "face tower"

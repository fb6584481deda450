"""A bundle of Vclip: `config.json`, and in `vclip.safetensors` heads, prior, index and feedback network.

The face side (detector, crop, tower) is another bundle's; `tower` is the fingerprint of the one that the heads know.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from idfacevc.bundles.model import CONFIG_FILE, VCLIP_FILE, read_config
from idfacevc.bundles.tensors import checked_state, fingerprint, shapes_of, undrawn
from idfacevc.config.reader import to_dict
from idfacevc.errors import InputError
from idfacevc.models.vclip.heads import Association, AssociationSpec
from idfacevc.models.vclip.prior import Mixture
from idfacevc.models.vclip.signature import Signature

M = TypeVar("M", bound=nn.Module)
_CHECKED = 8  # candidates whose place in the index is worked out again when it is loaded
_HALF = 2e-2  # what half precision may move the cosine of a unit vector, at most


@dataclass(frozen=True)
class VclipSpec:
    """`config.json`.

    Attributes:
        name: what reports call the bundle.
        tower: fingerprint of the face tower whose features the heads read.
        space: Space of the candidates' vectors.
        bank: names of the space's own voices whose sound is stored.
        association: sizes of the heads.
        signature_hidden: units of the feedback network.
        format: Format of this file; other numbers are refused.
    """

    name: str
    tower: str
    bank: tuple[str, ...]
    association: AssociationSpec
    signature_hidden: int
    space: Literal["kokoro"] = "kokoro"
    format: Literal["vclip-1"] = "vclip-1"


@dataclass(frozen=True)
class VclipBundle:
    """A loaded bundle, in evaluation mode.

    Attributes:
        coordinates: (S, R) of the candidates, along the prior's components.
        index: (S, D) unit vectors of the candidates in the association space.
        heard: (n, V) unit vectors of how the bank's voices sound.
    """

    spec: VclipSpec
    association: Association
    signature: Signature
    prior: Mixture
    coordinates: np.ndarray
    index: np.ndarray
    heard: np.ndarray
    fingerprint: str = field(default="")

    def vectors(self, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Speaker vectors (n, E) of candidates."""
        return (self.prior.mean + self.coordinates[chosen] @ self.prior.basis.T).astype(np.float32)

    @torch.inference_mode()
    def sound(self, vectors: np.ndarray) -> np.ndarray:
        """Unit vectors (n, V) of how speaker vectors (n, E) will sound, as far as feedback tells."""
        return self.signature(torch.from_numpy(vectors)).numpy()

    @torch.inference_mode()
    def placed(self, sound: np.ndarray) -> np.ndarray:
        """Unit vectors (n, D) of sounds (n, V) in the association space."""
        return self.association.of_voices(torch.from_numpy(np.asarray(sound, np.float32))).numpy()


def save_vclip(folder: str | os.PathLike[str], bundle: VclipBundle) -> None:
    """Write a bundle in half precision; its files appear under their names when both are complete."""
    arrays = {f"prior.{name}": torch.from_numpy(array) for name, array in bundle.prior.tensors().items()}
    arrays |= {name: torch.from_numpy(getattr(bundle, name)).half() for name in ("coordinates", "index", "heard")}
    for name in ("association", "signature"):
        state = getattr(bundle, name).state_dict()
        arrays |= {f"{name}.{key}": value.detach().half().contiguous() for key, value in state.items()}
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".saving-") as temporary:
        staged = Path(temporary)
        save_file({key: value.contiguous() for key, value in arrays.items()}, staged / VCLIP_FILE)
        (staged / CONFIG_FILE).write_text(json.dumps(to_dict(bundle.spec), indent=2) + "\n", encoding="utf-8")
        mode = (staged / CONFIG_FILE).stat().st_mode
        for file in (VCLIP_FILE, CONFIG_FILE):
            (staged / file).chmod(mode)
            os.replace(staged / file, target / file)


def load_vclip(folder: str | os.PathLike[str]) -> VclipBundle:
    """Read a bundle's folder strictly.

    Raises:
        InputError: for a damaged file, an unknown key or format, tensors that do not fit one another, and an index that
            is not that of its candidates.
    """
    source = Path(folder)
    spec = read_config(VclipSpec, source / CONFIG_FILE)
    path = source / VCLIP_FILE
    try:
        tensors = {key: value.float() for key, value in load_file(path).items()}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise InputError(f"{path}: is damaged or not a safetensors file ({error})") from error
    prior = Mixture(**{one.name: _array(tensors, f"prior.{one.name}", path) for one in fields(Mixture)})
    coordinates, index, heard = (_array(tensors, name, path) for name in ("coordinates", "index", "heard"))
    candidates, voices = len(coordinates), len(spec.bank)
    wanted = {
        "coordinates": (coordinates, (candidates, prior.basis.shape[-1])),
        "index": (index, (candidates, spec.association.dim)),
        "heard": (heard, (voices, spec.association.voice_dim)),
    }
    for name, (array, shape) in wanted.items():
        if array.shape != shape or not len(array):
            raise InputError(f"{path}: {name} is {array.shape}, not {shape}")
    association = _module(lambda: Association(spec.association), tensors, "association", path)
    sizes = len(prior.mean), spec.association.voice_dim, spec.signature_hidden
    signature = _module(lambda: Signature(*sizes), tensors, "signature", path)
    bundle = VclipBundle(spec, association, signature, prior, coordinates, index, heard, fingerprint(association))
    some = np.linspace(0, candidates - 1, min(_CHECKED, candidates)).astype(int)
    cosines = (bundle.placed(bundle.sound(bundle.vectors(some))) * index[some]).sum(axis=1)
    if np.abs(cosines - 1).max() > _HALF:
        raise InputError(f"{path}: the index is not that of its candidates; the file is corrupt")
    return bundle


def _array(tensors: Mapping[str, Tensor], name: str, path: Path) -> np.ndarray:
    if name not in tensors:
        raise InputError(f"{path}: holds no {name}")
    if not tensors[name].isfinite().all():
        raise InputError(f"{path}: {name} holds values that are not finite numbers")
    return tensors[name].numpy()


def _module(build: Callable[[], M], tensors: Mapping[str, Tensor], name: str, path: Path) -> M:
    state = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
    checked_state(shapes_of(build), state, path)
    module = undrawn(build)
    module.load_state_dict(state)
    return module.eval()

"""The tensors of a module as a safetensors file, read and written strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from idfacevc.errors import InputError
from idfacevc.files import readable

M = TypeVar("M", bound=nn.Module)
_DRAWS = {
    *(Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.trunc_normal_),
    *(nn.init.xavier_normal_, nn.init.xavier_uniform_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_),
}


class _Undrawn(TorchFunctionMode):
    """Initial values are left out: a file's take their place."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _DRAWS:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def undrawn(build: Callable[[], M]) -> M:
    """A module whose weights are about to be loaded.

    Drawing them would take time, and on the meta device a second more: PyTorch then imports its compiler.
    """
    with _Undrawn():
        return build()


def shapes_of(build: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """The tensors that a module would have, on the meta device: no memory is taken."""
    with torch.device("meta"):
        return undrawn(build).state_dict()


def fingerprint(module: nn.Module, heading: str = "") -> str:
    """Digest, 16 hexadecimal digits, of a heading and a module's tensors."""
    digest = hashlib.sha256(heading.encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_tensors(module: nn.Module, path: Path) -> None:
    """Write a module's tensors as a safetensors file; those of frozen encoders in half precision, as they came."""
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad and parameter.dim()}
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    save_file({key: value.half() if key in frozen else value for key, value in tensors.items()}, path)


def load_tensors(module: nn.Module, path: Path) -> None:
    """Load a safetensors file that must hold exactly the module's tensors."""
    try:
        with readable(path, "file of weights") as file:
            tensors = load_file(file)
    except SafetensorError as error:
        raise InputError(f"{path}: is damaged or not a safetensors file ({error})") from error
    checked_state(module.state_dict(), tensors, path)
    module.load_state_dict(tensors)


def checked_state(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """`InputError` where a file's tensors are not those of a module, or not finite."""
    if faults := mismatches(wanted, found):
        raise InputError(f"{path}: tensors do not match the configuration: {'; '.join(faults)}")
    if broken := [key for key, value in found.items() if not value.isfinite().all()]:
        raise InputError(f"{path}: holds values that are not finite numbers, in {', '.join(broken[:3])}")


def mismatches(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What differs between the tensors of a module and those of a file, in words; values are not looked at."""
    kinds = [
        f"{key} is {found[key].dtype}, not {wanted[key].dtype}"
        for key in sorted(wanted.keys() & found.keys())
        if found[key].is_floating_point() != wanted[key].is_floating_point()
    ]
    shapes = [
        f"{key} is {tuple(found[key].shape)}, not {tuple(wanted[key].shape)}"
        for key in sorted(wanted.keys() & found.keys())
        if found[key].shape != wanted[key].shape
    ]
    groups = {
        "missing": sorted(wanted.keys() - found.keys()),
        "unknown": sorted(found.keys() - wanted.keys()),
        "of another shape": shapes,
        "of another kind": kinds,
    }
    return [
        f"{what} {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        for what, names in groups.items()
        if names
    ]

"""Where networks run."""

from __future__ import annotations

import torch

from idfacevc.errors import InputError


def pick_device(name: str) -> torch.device:
    """The device of that name.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", or "auto" for the fastest of this machine.
    Raises:
        InputError: for a device that is not here.
    """
    here = ["cpu"]
    here += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    here += ["mps"] if torch.backends.mps.is_available() else []
    if name == "auto":
        return torch.device(here[min(1, len(here) - 1)])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not any(known == name or known.split(":")[0] == name for known in here):
        raise InputError(f"unknown device {name!r}; here are: auto, {', '.join(here)}")
    return device


def vocoder_device(device: torch.device) -> torch.device:
    """The device of the vocoder beside a network on `device`: CUDA or the CPU.

    Griffin-Lim needs complex numbers, which other devices may lack.
    """
    return device if device.type == "cuda" else torch.device("cpu")

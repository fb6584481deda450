"""Turn a face into a voice: ID-FaceVC (arXiv 2409.00700)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idfacevc.errors import InputError

if TYPE_CHECKING:
    from idfacevc.api import IDFaceVC, Speech, Voice, convert
    from idfacevc.speech2face import Speech2Face
    from idfacevc.vclip import Vclip

__version__ = "0.1.0"
__all__ = ["IDFaceVC", "InputError", "Speech", "Speech2Face", "Vclip", "Voice", "convert"]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    # torch is imported at the first use of the API, not by `import idfacevc`
    if name in __all__:
        from idfacevc import api, speech2face, vclip

        return getattr({"Vclip": vclip, "Speech2Face": speech2face}.get(name, api), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What a file of synthetic speech says about itself, in the comment that every format has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

MARK = "Synthetic speech made by idfacevc"


@dataclass(frozen=True)
class Provenance:
    """Who made a waveform, and of what.

    Attributes:
        system: Name of the system, such as "ID-FaceVC".
        checkpoint: its name and the digest of its weights.
        voice: Origin of the voice.
    """

    system: str = ""
    checkpoint: str = ""
    voice: str = ""

    def tags(self, watermark: str) -> dict[str, str]:
        """Metadata of a file written now; `watermark` is the name of the one in its samples, or "none"."""
        from idfacevc import __version__

        date = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        facts = {
            "version": __version__,
            "system": self.system,
            "checkpoint": self.checkpoint,
            "voice": self.voice,
            "date": date,
            "watermark": watermark,
        }
        told = [f"{name}: {value}" for name, value in facts.items() if value]
        return {"comment": "; ".join([MARK, *told]), "artist": f"idfacevc {__version__}", "date": date}


def facts_of(comment: str) -> dict[str, str]:
    """What `Provenance.tags` wrote into a comment, by name; empty for another comment."""
    first, *told = comment.split("; ")
    return dict(one.split(": ", 1) for one in told if ": " in one) if first == MARK else {}

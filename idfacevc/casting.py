"""Choosing generated voices: the candidates of one face, spoken on a page, and a cast of many portraits."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idfacevc.audio.loudness import TEXT_LUFS
from idfacevc.audio.output import save_audio
from idfacevc.errors import InputError
from idfacevc.files import read_table, replacing
from idfacevc.types import GeneratedVoice
from idfacevc.vclip import Pool, Vclip, space_of, stream

_COLUMNS = {"name", "face"}
_STYLE = "<style>body{font-family:sans-serif;max-width:48em;margin:2em auto}li{margin:1em 0;list-style:none}</style>"


@dataclass(frozen=True)
class Role:
    """One row: a name, which is that of the file, and a picture."""

    name: str
    face: Path


@dataclass(frozen=True)
class Part:
    """A role with its voice; `other` is the role with the likest voice, None for a single one, at cosine `likeness`."""

    role: Role
    voice: GeneratedVoice
    other: Role | None
    likeness: float


def cast_roles(vclip: Vclip, roles: Sequence[Role], pool: Pool = "generated", strict: bool = False) -> list[Part]:
    """A voice for each role that fits its face and differs from all others.

    Args:
        pool: Voices to choose among.
        strict: Refuse pictures with several faces.
    """
    voices = vclip.cast([vclip.embed_face(role.face, strict=strict) for role in roles], pool)
    sounds = np.stack([voice.sound for voice in voices])
    likeness = sounds @ sounds.T - 2 * np.eye(len(sounds))  # nobody is compared with himself
    likest = likeness.argmax(axis=1)
    return [
        Part(role, voice, roles[other] if len(roles) > 1 else None, float(row[other]))
        for role, voice, row, other in zip(roles, voices, likeness, likest, strict=True)
    ]


def read_cast(path: Path) -> list[Role]:
    """The checked rows; an unreadable table, a missing column, and names that are no file names are errors."""
    names, rows = read_table(path)
    if set(names) != _COLUMNS:
        raise InputError(f"{path}: needs the columns name and face, and no others")
    if not rows:
        raise InputError(f"{path}: holds no rows")
    roles = [Role((row["name"] or "").strip(), path.parent / (row["face"] or "").strip()) for row in rows]
    for role in roles:
        if not role.name or role.name.startswith(".") or Path(role.name).name != role.name:
            raise InputError(f"{path}: {role.name!r} cannot be the name of a file")
    if twice := sorted({role.name for role in roles if sum(one.name == role.name for one in roles) > 1}):
        raise InputError(f"{path}: several rows are named {', '.join(twice)}")
    return roles


def described(number: int, voice: GeneratedVoice) -> str:
    """One line on a candidate."""
    return (
        f"{number}: voice {voice.name}, score {voice.score:.3f}, rank {voice.rank}, above {voice.percentile:.1f} % of "
        f"the pool; nearest of the bank {voice.nearest}, at {voice.distance:.2f}"
    )


def write_audition(voices: Sequence[GeneratedVoice], text: str, out: Path) -> Path:
    """Recordings of a text in each voice, and a page to hear them; returns the page."""
    items = []
    for number, voice in enumerate(voices, start=1):
        name = f"voice-{number}.wav"
        rate = space_of(voice.space).sample_rate
        save_audio(out / name, stream(voice, text), rate, loudness=TEXT_LUFS, provenance=voice.provenance)
        items.append(f'<li><audio controls src="{name}"></audio><br>{html.escape(described(number, voice))}</li>')
    title = html.escape(text if len(text) <= 80 else f"{text[:80]}…")
    with replacing(out / "index.html") as page:
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><title>Voices</title>{_STYLE}<h1>{title}</h1>'
            f"<p>Synthetic voices that belong to nobody.</p><ol>{''.join(items)}</ol>\n",
            encoding="utf-8",
        )
    return out / "index.html"

"""LRS3: its layout, the paper's selection of it, and speakers as the lists of FVMVC name them.

A speaker is a folder named by a YouTube id. That is a proxy: a talk may have guests, and a person may hold two talks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import yaml

from idfacevc.data.corpora.item import Item
from idfacevc.errors import InputError

TEST_SPEAKERS = Path(__file__).with_name("lrs3_test_speakers.yaml")
SPEAKERS = 200  # of the paper's training

# An id is a YouTube one: always 11 characters, which may be hyphens themselves.
_SPEAKER = re.compile(r"([A-Za-z0-9_-]{11})(?:-([0-9]+))?-([FM])")


@dataclass(frozen=True)
class Speaker:
    """One line of a list. `clip` is empty where the line names none."""

    id: str
    clip: str
    gender: Literal["f", "m"]


def parse_speaker(line: str) -> Speaker:
    """The speaker of a line such as "sxnlvwprfSc-00002-M" or "ZJNESMhIxQ0-F".

    Raises:
        InputError: for any other line.
    """
    found = _SPEAKER.fullmatch(line.strip())
    if found is None:
        raise InputError(f"{line.strip()!r}: is no speaker; write an id of 11 characters, -CLIP if any, and -F or -M")
    return Speaker(found[1], found[2] or "", cast(Literal["f", "m"], found[3].lower()))


def parse_speakers(text: str) -> list[Speaker]:
    """The speakers of a list, one a line; blank lines are skipped."""
    return [parse_speaker(line) for line in text.splitlines() if line.strip()]


def fixed_speakers(role: Literal["targets", "sources"]) -> list[Speaker]:
    """The speakers of the test part whom FVMVC's lists name."""
    return parse_speakers(yaml.safe_load(TEST_SPEAKERS.read_text(encoding="utf-8"))[role])


def lrs3_items(root: Path, speakers: int = SPEAKERS) -> list[Item]:
    """The paper's selection of a copy of LRS3, `root`/{pretrain,trainval,test}/speaker/clip.mp4 with clip.txt.

    The speakers with most clips in pretrain and trainval together, sorted by count and then by id: their pretrain clips
    train, their trainval clips validate, so validation speakers are seen ones. Of the test part, the clips of the fixed
    test speakers, as split "test"; these are never trained on.

    Raises:
        InputError: where `root` has no such folders, or they no clips.
    """
    parts = {part: _clips(root / part) for part in ("pretrain", "trainval", "test")}
    if not parts["pretrain"]:
        raise InputError(f"{root}: holds no clips pretrain/SPEAKER/CLIP.mp4; give the root of LRS3")
    fixed = {one.id: one.gender for one in fixed_speakers("targets") + fixed_speakers("sources")}
    counts: dict[str, int] = defaultdict(int)
    for part in ("pretrain", "trainval"):
        for speaker, clips in parts[part].items():
            counts[speaker] += len(clips)
    chosen = sorted(counts.keys() - fixed.keys(), key=lambda speaker: (-counts[speaker], speaker))[:speakers]
    return [
        Item(
            id=f"{part}/{speaker}/{clip.stem}",
            speaker=speaker,
            split=split,
            audio=str(clip),
            face=str(clip),
            gender=fixed.get(speaker, ""),
            text=transcript(clip),
        )
        for part, split, names in (
            ("pretrain", "train", chosen),
            ("trainval", "valid", chosen),
            ("test", "test", list(fixed)),
        )
        for speaker in sorted(names)
        for clip in parts[part].get(speaker, [])
    ]


def transcript(clip: Path) -> str:
    """What is said in a clip: the text after the first colon of the first line of its .txt file."""
    text = clip.with_suffix(".txt")
    if not text.is_file():
        return ""
    lines = text.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[0].partition(":")[2].strip() if lines else ""


def _clips(part: Path) -> dict[str, list[Path]]:
    """Sorted clips of each speaker of a part."""
    clips: dict[str, list[Path]] = {}
    for folder in part.iterdir() if part.is_dir() else ():
        if found := sorted(path for path in folder.glob("*.mp4") if not path.name.startswith(".")):
            clips[folder.name] = found
    return clips

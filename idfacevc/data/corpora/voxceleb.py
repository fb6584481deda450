"""VoxCeleb1 and VoxCeleb2 in the layout in which they are handed out."""

from __future__ import annotations

import csv
from pathlib import Path

from idfacevc.data.corpora.item import Item
from idfacevc.errors import InputError

_PARTS = {"dev": "train", "test": "valid", "": "train"}
_KINDS = {"mp4": ".mp4", "wav": ".wav", "aac": ".m4a"}  # the first that a part has is read
_META = ("vox1_meta.csv", "vox2_meta.csv")


def voxceleb_items(root: Path, faces: Path | None = None) -> list[Item]:
    """Clips `root`/[dev|test]/{mp4,wav,aac}/SPEAKER/VIDEO/CLIP; dev trains, test validates.

    The videos of VoxCeleb2 are face and sound. VoxCeleb1 is sound alone: its pictures are in `faces`, as
    SPEAKER/[…/]VIDEO/*.jpg, the speaker named by id or, with `root`/vox1_meta.csv, by name.

    Raises:
        InputError: where `root` has no such clips, and where they are sound and there is no `faces`.
    """
    about = {name: row for file in _META for name, row in _read_meta(root / file).items()}
    shown = _folders(faces) if faces is not None else {}
    items = []
    for part, split in _PARTS.items():
        kind = next((kind for kind in _KINDS if (root / part / kind).is_dir()), None)
        if kind is None:
            continue
        if kind != "mp4" and faces is None:
            raise InputError(
                f"{root / part / kind}: is sound without faces; say with --faces where SPEAKER/VIDEO/*.jpg are"
            )
        for clip in sorted((root / part / kind).glob(f"*/*/*{_KINDS[kind]}")):
            speaker, video = clip.parts[-3:-1]
            row = about.get(speaker, {})
            if kind == "mp4":
                face = clip
            else:
                assert faces is not None
                name = row.get("name", speaker)
                face = shown.get((speaker, video)) or shown.get((name, video)) or faces / name / video
            items.append(
                Item(
                    id="/".join(filter(None, (part, speaker, video, clip.stem))),
                    speaker=speaker,
                    split="valid" if not part and row.get("set") == "test" else split,
                    audio=str(clip),
                    face=str(face),
                    gender=row.get("gender", ""),
                )
            )
    if not items:
        raise InputError(f"{root}: holds no clips [dev|test]/mp4/SPEAKER/VIDEO/CLIP.mp4 nor such of wav or aac")
    return items


def _folders(faces: Path) -> dict[tuple[str, str], Path]:
    """Folders of pictures by speaker and video."""
    if not faces.is_dir():
        raise InputError(f"{faces}: is no folder of faces")
    found = {}
    for path in sorted(faces.glob("*/**/")):
        if path.parent != faces and path != faces:
            found[path.relative_to(faces).parts[0], path.name] = path
    return found


def _read_meta(table: Path) -> dict[str, dict[str, str]]:
    """Name, gender and set of each speaker; the tables part their columns by tabs or by commas."""
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as handle:
        separator = "\t" if "\t" in handle.readline() else ","
        return {
            row[0]: {"name": row[1], "gender": row[2].lower(), "set": row[-1].lower()}
            for row in ([cell.strip() for cell in cells] for cells in csv.reader(handle, delimiter=separator))
            if len(row) >= 4
        }

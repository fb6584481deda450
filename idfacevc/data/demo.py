"""The demo's material: speech and faces of the corpora folder, espeak's voice, and how faces and voices are paired."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from idfacevc.audio.io import save_audio
from idfacevc.data.corpora import SPEECH_ARCHIVES, read_faces, read_utterances
from idfacevc.data.items import MEMBER, Item
from idfacevc.data.pairing import Pairing, group_of
from idfacevc.data.shards import FeatureStore
from idfacevc.text.base_speaker import base_speaker

ESPEAK = "espeak"
ENOUGH_FRAMES = 2000  # 20 s: one utterance is too little to learn a voice from


def speech_items(corpora: Path) -> list[Item]:
    """All utterances; those of corpora that do not name their speakers get none."""
    import zipfile

    archive_of = {
        member: corpora / name
        for names in SPEECH_ARCHIVES.values()
        for name in names
        for member in zipfile.ZipFile(corpora / name).namelist()
    }
    return [
        Item(
            id=row.id,
            speaker=row.speaker,
            split=row.split,
            audio=f"{archive_of[row.path]}{MEMBER}{row.path}",
            gender=row.gender,
            age="" if row.age is None else f"{row.age:g}",
            text=row.text,
        )
        for row in read_utterances(corpora)
    ]


def face_items(corpora: Path) -> list[Item]:
    """All labelled face crops."""
    return [
        Item(
            id=f"{split}-{Path(row.path).stem}",
            speaker="",
            split=split,
            face=f"{corpora / f'faces-{split}.zip'}{MEMBER}{row.path}",
            aligned=True,
            gender=row.gender,
            age=row.age,
        )
        for split in ("train", "valid")
        for row in read_faces(corpora, split)
    ]


def espeak_items(corpora: Path, folder: Path, count: int = 300) -> list[Item]:
    """Speak `count` transcripts of the training split with espeak into `folder`; what is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = sorted({row.text for row in read_utterances(corpora) if row.split == "train" and len(row.text) > 20})
    speaker = base_speaker("espeak")
    items = []
    for number, text in enumerate(texts[:count]):
        path = folder / f"{number:04d}.flac"
        if not path.exists():
            samples, rate = speaker.synthesise(text, speed=(0.85, 1.0, 1.15)[number % 3], seed=number)
            save_audio(path, samples, rate)
        items.append(Item(f"{ESPEAK}-{number:04d}", ESPEAK, audio=str(path), text=text))
    return items


def pair(voices: FeatureStore, faces: FeatureStore) -> Pairing:
    """Fit the pairing on the training split of both stores, with the speakers who have `ENOUGH_FRAMES` of speech."""
    pooled: dict[str, list[Tensor]] = defaultdict(list)
    for index, clip in enumerate(faces.clips):
        if clip.split == "train":
            pooled[group_of(clip.gender, clip.age)].append(faces.read(index, "face").mean(dim=1))
    frames: dict[str, int] = defaultdict(int)
    spoken: dict[str, dict[str, list[Tensor]]] = defaultdict(lambda: defaultdict(list))
    for index, clip in enumerate(voices.clips):
        if clip.split == "train" and clip.gender and clip.speaker:
            spoken[group_of(clip.gender, clip.age)][clip.speaker].append(voices.read(index, "speech").mean(dim=(0, 1)))
            frames[clip.speaker] += clip.frames
    return Pairing.fit(
        {group: torch.stack(items) for group, items in pooled.items()},
        {
            group: {
                name: torch.stack(vectors).mean(dim=0)
                for name, vectors in speakers.items()
                if frames[name] >= ENOUGH_FRAMES
            }
            for group, speakers in spoken.items()
        },
    )

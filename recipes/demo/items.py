"""The demo's material: speech and faces of the corpora folder, espeak's voice, and how faces and voices are paired."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from idfacevc.audio.output import save_recording
from idfacevc.data.corpora.item import MEMBER, Item
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError
from idfacevc.files import replacing
from idfacevc.text.speakers.registry import base_speaker
from recipes.demo.corpora import read_faces, read_utterances, recording_of
from recipes.demo.pairing import FEWEST, Pairing, group_of

ESPEAK = "espeak"
ENOUGH_FRAMES = 2000  # 20 s: one utterance is too little to learn a voice from
VOICE_COLUMNS = ("speaker", "move", "gender", "words")  # of the table of voices
SURE_OF_GENDER = 0.9


def speech_items(corpora: Path) -> list[Item]:
    """All utterances; those of corpora that do not name their speakers get none."""
    return [
        Item(
            id=row.id,
            speaker=row.speaker,
            split=row.split,
            audio=recording_of(corpora, row),
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
            save_recording(path, samples, rate)
        items.append(Item(f"{ESPEAK}-{number:04d}", ESPEAK, audio=str(path), text=text))
    return items


def candidates(voices: FeatureStore) -> dict[str, dict[str, list[int]]]:
    """Clips of the speakers of the training split who have `ENOUGH_FRAMES` of speech, by group and speaker."""
    clips: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    frames: dict[str, int] = defaultdict(int)
    for index, clip in enumerate(voices.clips):
        if clip.split == "train" and clip.gender and clip.speaker:
            clips[group_of(clip.gender, clip.age)][clip.speaker].append(index)
            frames[clip.speaker] += clip.frames
    return {
        group: {speaker: own for speaker, own in speakers.items() if frames[speaker] >= ENOUGH_FRAMES}
        for group, speakers in clips.items()
    }


def read_voices(table: Path) -> dict[str, dict[str, float]]:
    """The table that `rank_voices` writes: move, gender and words of each speaker.

    Raises:
        InputError: where there is none, or it is another table.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return {
                row["speaker"]: {name: float(row[name]) for name in VOICE_COLUMNS[1:]}
                for row in csv.DictReader(file, delimiter="\t")
            }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{table}: is no table of voices; write it with recipes.demo.rank_voices") from error


def well_spoken(group: str, speakers: list[str], found: dict[str, dict[str, float]]) -> list[str]:
    """Those of a group's speakers in whose voices others are heard well: half of them, three at least.

    Grown-up voices whose gender is heard wrong more often than in one conversion of ten come last. Else counts how far
    a voice moves from its source and how much of the words is left, in standard deviations over the group.

    Raises:
        InputError: for a speaker whom `found` lacks.
    """
    if missing := sorted(set(speakers) - set(found)):
        raise InputError(f"the table of voices lacks {missing[0]}: it was written for other features; write it again")
    sure = 0.0 if group.endswith("child") else SURE_OF_GENDER
    values = torch.tensor([[found[one]["move"], -found[one]["words"]] for one in speakers])
    merit = ((values - values.mean(dim=0)) / (values.std(dim=0, correction=0) + 1e-6)).sum(dim=1).tolist()
    ranks = {one: (found[one]["gender"] >= sure, merit[number]) for number, one in enumerate(speakers)}
    return sorted(speakers, key=ranks.__getitem__, reverse=True)[: max(FEWEST, len(speakers) // 2)]


def pair(voices: FeatureStore, faces: FeatureStore, found: dict[str, dict[str, float]]) -> Pairing:
    """Fit the pairing on the training split of both stores, with the `candidates` whose voices are well spoken.

    Args:
        found: Figures of each speaker, as `read_voices` gives it.
    """
    pooled: dict[str, list[Tensor]] = defaultdict(list)
    for index, clip in enumerate(faces.clips):
        if clip.split == "train":
            pooled[group_of(clip.gender, clip.age)].append(faces.read(index, "face").mean(dim=1))

    def embedding(clips: list[int]) -> Tensor:
        return torch.stack([voices.read(index, "speech").mean(dim=(0, 1)) for index in clips]).mean(dim=0)

    return Pairing.fit(
        {group: torch.stack(items) for group, items in pooled.items()},
        {
            group: {name: embedding(speakers[name]) for name in well_spoken(group, sorted(speakers), found)}
            for group, speakers in candidates(voices).items()
            if speakers
        },
    )


def write_pairing(features: Path, voices: Path | None) -> Pairing:
    """Pair the faces and voices of a features folder: pairing.safetensors for any face, pairing.tsv for training.

    Args:
        features: folder that holds the stores speech and faces.
        voices: table that `rank_voices` wrote.
    """
    if voices is None:
        raise InputError("prepare demo pairs needs --voices, the table that recipes.demo.rank_voices writes")
    faces = FeatureStore(features / "faces")
    pairing = pair(FeatureStore(features / "speech"), faces, read_voices(voices))
    pairing.save(features / "pairing.safetensors")
    rows = [(faces.clips[face].id, speaker) for face, speaker in assign_faces(pairing, faces, "train")]
    with replacing(features / "pairing.tsv") as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, delimiter="\t", lineterminator="\n").writerows([("face", "speaker"), *rows])
    return pairing


def assign_faces(pairing: Pairing, faces: FeatureStore, split: str) -> list[tuple[int, str]]:
    """The speaker of each face of a split, by the face's index; faces of groups without speakers are left out."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(faces.clips):
        if clip.split == split and (group := group_of(clip.gender, clip.age)) in pairing.groups:
            groups[group].append(index)
    assigned: list[tuple[int, str]] = []
    for group, indices in groups.items():
        pooled = torch.stack([faces.read(index, "face", 0, 1)[0].mean(dim=0) for index in indices])
        assigned += zip(indices, pairing.assign(pooled, group), strict=True)
    return assigned

"""What Speech2Face is trained on, out of the corpora folder.

    python -m recipes.speech2face.features --corpora DIR --out DIR [--faces 8000] [--each 6] [--face-side demo]

Shards `speech` with the speaker's vector in each window, of all speakers whose gender is known; shards `faces` with the
tower's features of labelled faces; `pictures.safetensors` with the pictures and landmarks of the same faces. What is
there is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from idfacevc.audio.io import load_audio
from idfacevc.backbones.tower import TowerBackbone
from idfacevc.data.corpora.item import Item, audio_source, open_member
from idfacevc.data.face_pictures import PICTURES_FILE, write_pictures
from idfacevc.data.shards import INDEX, write_index, write_shard
from idfacevc.models.speech2face.front_end import RATE
from idfacevc.models.speech2face.speaker import SpeakerVoiceEncoder
from idfacevc.training.speech2face import load_resemblyzer
from recipes.demo.corpora import Utterance, kept_out, read_parallel, read_utterances, recording_of
from recipes.demo.items import face_items
from recipes.vclip.features import tower_of

SIZE = 64  # pixels of the small decoder
_SHARD = 512  # utterances


def utterances(corpora: Path, each: int) -> list[Item]:
    """The longest utterances of each speaker of known gender, and of Kokoro's voices.

    "valid" are speakers of whom nothing is trained on.
    """
    own: dict[str, list[Utterance]] = {}
    for row in read_utterances(corpora) + read_parallel(corpora):
        if row.gender:
            own.setdefault(row.speaker, []).append(row)
    rows = [row for list_ in own.values() for row in sorted(list_, key=lambda one: -one.seconds)[:each]]
    return [
        Item(
            row.id,
            row.speaker,
            "valid" if row.split == "valid" or kept_out(row.corpus, row.speaker) else "train",
            recording_of(corpora, row),
            gender=row.gender,
            age="" if row.age is None else f"{row.age:g}",
        )
        for row in rows
    ]


def write_speech(items: list[Item], folder: Path) -> None:
    """Shards of what Resemblyzer hears in each window of the items."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder = SpeakerVoiceEncoder().eval()
    load_resemblyzer(encoder)
    paths: list[Path] = []
    for start in range(0, len(items), _SHARD):
        clips = []
        for item in items[start : start + _SHARD]:
            wave = torch.from_numpy(np.array(load_audio(audio_source(item.audio), RATE)))
            with torch.inference_mode():
                heard = encoder.heard(encoder.input_of(wave[None]))
            clips.append((item, {"speech": heard[0].numpy()}))
        paths.append(folder / f"shard-{len(paths):05d}.safetensors")
        write_shard(paths[-1], clips, [], "speech2face")
    write_index(folder, paths)


def chosen_faces(corpora: Path, count: int) -> list[Item]:
    """The first faces of the training split, and a seventh as many of the other."""
    own = {split: [one for one in face_items(corpora) if one.split == split] for split in ("train", "valid")}
    return own["train"][:count] + own["valid"][: count // 7]


def crops(items: list[Item]) -> Iterator[tuple[Image.Image, str]]:
    """Pictures and their splits."""
    for item in items:
        yield Image.open(open_member(item.face)), item.split


def write_faces(items: list[Item], features: torch.Tensor, folder: Path) -> None:
    """One shard of the items' features (n, D)."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = [(item, {"face": one[None, None].numpy()}) for item, one in zip(items, features, strict=True)]
    path = folder / "shard-00000.safetensors"
    write_shard(path, clips, [], "speech2face")
    write_index(folder, [path])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--faces", type=int, default=8000, metavar="N", help="of the training split (%(default)s)")
    parser.add_argument("--each", type=int, default=6, metavar="N", help="utterances of a speaker (%(default)s)")
    parser.add_argument("--face-side", default="demo", metavar="BUNDLE", help="whose tower reads (%(default)s)")
    args = parser.parse_args()
    pictures = args.out / PICTURES_FILE
    faces = chosen_faces(args.corpora, args.faces)
    if not pictures.exists():
        written, lost = write_pictures(pictures, crops(faces), TowerBackbone(tower_of(args.face_side)), SIZE)
        print(f"{written} faces; in {lost} pictures none was found, or it is turned away")
    if not (args.out / "faces" / INDEX).exists():
        read = load_file(pictures)
        write_faces([faces[number] for number in read["number"].tolist()], read["features"], args.out / "faces")
    if not (args.out / "speech" / INDEX).exists():
        items = utterances(args.corpora, args.each)
        write_speech(items, args.out / "speech")
        print(f"{len(items)} utterances")


if __name__ == "__main__":
    main()

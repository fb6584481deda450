"""Feature shards of five sounds in the pattern of each speaker: enough for trainings of seconds."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from idfacevc.data.corpora.item import Item
from idfacevc.data.prepare import STATISTICS
from idfacevc.data.shards import write_index, write_shard


def write_features(folder: Path, speakers: int = 4, clips: int = 3, frames: int = 40) -> Path:
    """Clips whose mel, speech and face share their speaker's pattern."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    voices, identities, faces = (
        rng.normal(size=(speakers, 80)),
        rng.random((speakers, 256)),
        rng.normal(size=(speakers, 9, 16)),
    )
    sounds = rng.normal(size=(5, 80))
    rows = []
    for split, count in (("train", clips), ("valid", 1)):
        for speaker in range(speakers):
            for clip in range(count):
                slow = np.repeat(sounds[rng.integers(len(sounds), size=frames // 8 + 1)], 8, axis=0)[:frames]
                rows.append(
                    (
                        Item(f"{split}-{speaker}-{clip}", f"speaker{speaker}", split, gender="fm"[speaker % 2]),
                        {
                            "mel": voices[speaker] + 0.5 * slow,
                            "lf0": np.where(np.arange(frames) % 10 < 7, 5 + 0.1 * slow[:, 0], 0),
                            "speech": identities[speaker][None],
                            "face": faces[speaker][None] + 0.01 * rng.normal(size=(2, 9, 16)),
                        },
                    )
                )
    write_shard(folder / "shard-00000.safetensors", rows, [], "test")
    write_index(folder, [folder / "shard-00000.safetensors"])
    mel = np.concatenate([features["mel"] for item, features in rows if item.split == "train"])
    save_file(
        {"mel_mean": torch.tensor(mel.mean(0)).float(), "mel_std": torch.tensor(mel.std(0)).float()},
        folder / STATISTICS,
    )
    return folder

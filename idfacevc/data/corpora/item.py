"""What is to be prepared: one item a clip, its audio and its face, each a file or a member of a zip archive."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

import numpy as np

MEMBER = "::"
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Item:
    """One clip to prepare.

    Attributes:
        id: unique name.
        speaker: identity; empty where unknown.
        split: one of `SPLITS`; "test" is prepared and never trained on.
        audio, face: file paths, or "archive.zip::member"; empty where the clip has none. A face may be a folder of
            pictures.
        aligned: the face picture already is an aligned crop.
        gender: "f", "m" or empty; age: years or an age bin, as text; text: transcript. Labels only.
    """

    id: str
    speaker: str
    split: str = "train"
    audio: str = ""
    face: str = ""
    aligned: bool = False
    gender: str = ""
    age: str = ""
    text: str = ""


def open_member(path: str) -> BinaryIO:
    """Open a file, or a member of an uncompressed or compressed zip ("archive.zip::member")."""
    archive, separator, member = path.partition(MEMBER)
    if not separator:
        return open(path, "rb")
    return io.BytesIO(_archive(archive).read(member))


@lru_cache(maxsize=16)
def _archive(path: str) -> zipfile.ZipFile:
    """Open archives stay open: reading a directory of thousands of names costs more than reading a member."""
    return zipfile.ZipFile(path)


def audio_source(path: str) -> str | tuple[np.ndarray, int]:
    """What `audio.io.load_audio` takes for an item's audio: the path, or the decoded member of an archive."""
    if MEMBER not in path:
        return path
    import soundfile

    with open_member(path) as handle:
        return soundfile.read(handle, dtype="float32")

"""Uploaded files: on disk under a name of ours, looked at before a library that could be led astray opens them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from fastapi import UploadFile
from PIL import Image, UnidentifiedImageError
from starlette.exceptions import HTTPException

from idfacevc.errors import InputError

# no format that runs a program (EPS), and no list of other files (HLS, concat), which would be read from this machine
_PICTURES = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_RECORDINGS = "wav,w64,mp3,flac,ogg,mov,matroska,aac,aiff,amr,au,caf,asf,avi,mpeg,mpegts"
_PIXELS = 60_000_000


@dataclass(frozen=True)
class Upload:
    """A file on disk, and what its sender calls it."""

    path: Path
    shown: str

    @contextmanager
    def as_its_sender_calls_it(self) -> Iterator[None]:
        """Errors about the file name it as its sender does."""
        try:
            yield
        except InputError as error:
            raise InputError(str(error).replace(str(self.path), self.shown)) from None


@asynccontextmanager
async def on_disk(upload: UploadFile) -> AsyncIterator[Upload]:
    """The upload as a file, which goes with the block; no part of its own name is in the path."""
    shown = "".join(character for character in upload.filename or "" if character.isprintable())[-100:]
    with tempfile.TemporaryDirectory(prefix="idfacevc-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as copy:
            await asyncio.to_thread(shutil.copyfileobj, upload.file, copy)
        yield Upload(path, shown or "the upload")


def check_picture(upload: Upload) -> None:
    """415 for what is no picture of a usual format, 413 for one of more than 60 million pixels."""
    try:
        with Image.open(upload.path, formats=_PICTURES) as image:
            width, height = image.size
    except UnidentifiedImageError:
        raise HTTPException(415, f"{upload.shown}: is not a picture; {', '.join(_PICTURES)} are read") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise HTTPException(415, f"{upload.shown}: the picture cannot be read ({error})") from None
    if width * height > _PIXELS:
        raise HTTPException(413, f"{upload.shown}: has {width}x{height} pixels, at most 60 million are read")


def check_recording(upload: Upload) -> None:
    """415 for what is no audio or video file of a usual container."""
    try:
        with av.open(str(upload.path), options={"format_whitelist": _RECORDINGS}, metadata_errors="ignore"):
            pass
    except (av.error.FFmpegError, ValueError):
        raise HTTPException(415, f"{upload.shown}: is not a recording of a usual format, wav or mp3 say") from None

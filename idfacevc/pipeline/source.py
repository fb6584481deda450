"""What the converter takes from source speech: content codes and pitch, by blocks, so that memory stays bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from idfacevc.audio.io import AUDIO_SUFFIXES, AudioSource
from idfacevc.audio.loudness import integrated_loudness
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0, normalise_lf0
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.models.idfacevc.whisper_content import WhisperContent

_BLOCK = 1000  # frames; even, because a content code spans two


@dataclass(frozen=True)
class Source:
    """Analysed speech, reusable for any number of voices.

    Attributes:
        codes: (L, codebooks) content codes, L = ceil(T / 2).
        lf0: (T,) log-F0, normalised over the voiced frames; 0 where unvoiced.
        lf0_std: deviation of the voiced log-F0 before that, in ln Hz; 0 without voiced frames.
        samples: N of the recording, at the front end's rate.
        loudness: Loudness in LUFS.
    """

    codes: Tensor
    lf0: Tensor
    lf0_std: float
    samples: int
    loudness: float


def analyse(wav: np.ndarray, net: IDFaceVCNet, heard: deque[np.ndarray] | None = None) -> Source:
    """The source features of speech (N,) at the front end's rate.

    Args:
        wav: Recording, or a passage of one.
        net: Network that will decode it.
        heard: Log-F0 (t,) of the passages before, over which the pitch is normalised as well; this one's is added.
    """
    raw = log_f0(wav, net.spec.front_end)
    known = np.concatenate([*(heard or ()), raw])
    voiced = known[known != 0]
    if heard is not None:
        heard.append(raw)
    if isinstance(net.content, WhisperContent):
        with torch.inference_mode():
            codes = net.content_codes(net.content.features(wav)[None])[0]
    else:
        codes = torch.cat(list(content_codes(mel_blocks(wav, net), net)))
    return Source(
        codes=codes.cpu(),
        lf0=torch.from_numpy(normalise_lf0(known)[-len(raw) :]),
        lf0_std=float(voiced.std()) if len(voiced) else 0.0,
        samples=len(wav),
        loudness=integrated_loudness([wav], net.spec.front_end.sample_rate),
    )


@torch.inference_mode()
def mel_blocks(wav: np.ndarray, net: IDFaceVCNet, block: int = _BLOCK) -> Iterator[Tensor]:
    """The log-mel of a whole recording (N,) in blocks (M, t) of `block` frames, equal to the mel taken at once."""
    spec = net.spec.front_end
    log_mel = LogMel(spec).to(net.mel_mean.device)
    hop = spec.hop_length
    margin = spec.n_fft // 2 // hop + 1  # hops that hold half a window, so that padding only acts at the true ends
    total = spec.frames(len(wav))
    for start in range(0, total, block):
        stop = min(start + block, total)
        first = max(0, start - margin)
        piece = np.ascontiguousarray(wav[first * hop : (stop + margin) * hop])
        mel = log_mel(torch.from_numpy(piece).to(net.mel_mean.device)[None])[0]
        yield mel[:, start - first : stop - first]


@torch.inference_mode()
def content_codes(mels: Iterator[Tensor], net: IDFaceVCNet) -> Iterator[Tensor]:
    """Codes (l, codebooks) of a log-mel that comes in blocks (M, t) of even length (the last may be odd).

    A code sees the two frames that it stands for and one more at each side: blocks go through the encoder with two
    frames of their neighbours, whose own codes are dropped. An odd last frame is repeated. An encoder whose codes
    depend on the whole recording gets it in one block.
    """
    if net.content.reach is None:
        mels = iter([torch.cat(list(mels), dim=1)])
    before = torch.empty(0)
    current = next(mels, None)
    while current is not None:
        following = next(mels, None)
        parts = [before, current] if len(before) else [current]
        parts.append(current[:, -1:].expand(-1, current.shape[1] % 2) if following is None else following[:, :2])
        codes = net.content_codes(net.normalise_mel(torch.cat(parts, dim=1)[None]))[0]
        skip = 1 if len(before) else 0
        yield codes[skip : skip + (current.shape[1] + 1) // 2]
        before, current = current[:, -2:], following


def audio_or_text_of(given: AudioSource | str) -> tuple[AudioSource | None, str | None]:
    """One argument as (audio, text), the other one None.

    Args:
        given: A string that names an existing file is audio; any other string is text, unless it ends like an audio
            file; everything else is audio.
    Raises:
        InputError: for a string that ends like an audio file but names none.
    """
    if not isinstance(given, str):
        return given, None
    try:
        is_file = Path(given).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        is_file = False
    if is_file:
        return given, None
    if Path(given.strip()).suffix.lower() in AUDIO_SUFFIXES:
        raise InputError(f"{given}: looks like an audio file, but there is no such file")
    return None, given

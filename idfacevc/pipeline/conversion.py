"""Source speech and a voice become what the vocoder reads, and samples."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from idfacevc.audio.io import AudioSource, load_audio
from idfacevc.audio.pitch import log_f0
from idfacevc.errors import InputError
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.pipeline.chunks import passages
from idfacevc.pipeline.options import ConversionOptions
from idfacevc.pipeline.source import Source, analyse, mel_blocks
from idfacevc.pipeline.spoken_text import text_passages
from idfacevc.text.style import apply_style
from idfacevc.vocoders.base import Vocoder
from idfacevc.vocoders.griffin_lim import GriffinLim

_PIECE = 256  # frames decoded at a time
_PASSAGES_HEARD = 20  # passages of a live recording over which its pitch is normalised, about half a minute


@dataclass(frozen=True)
class MelStream:
    """A conversion up to the vocoder, decoded as it is read.

    Attributes:
        frames: Log-mel in pieces (M, t), or (M + 1, t) with the pitch in Hz for a vocoder that reads it.
        samples: Length of the output; None for all that the frames give.
        loudness: Loudness of the output in LUFS; None leaves it as it comes.
    """

    frames: Iterator[Tensor]
    samples: int | None
    loudness: float | None


class VoiceConverter:
    """Decodes source speech in voices.

    Args:
        net: Network, in evaluation mode.
        vocoder: What its mels are made for.
    """

    def __init__(self, net: IDFaceVCNet, vocoder: Vocoder) -> None:
        self._net, self._own_vocoder = net, vocoder
        self._front_end = net.spec.front_end

    def vocoder(self, options: ConversionOptions) -> Vocoder:
        """The vocoder of a conversion; for a whisper random phases, since a search for better ones finds a pitch."""
        if options.chosen_style.whisper:
            return GriffinLim(self._front_end, iterations=0)
        return self._own_vocoder

    def samples(self, converted: MelStream, options: ConversionOptions) -> Iterator[np.ndarray]:
        """The waveform in pieces (n,), as the vocoder gives them."""
        pieces = self.vocoder(options).stream(converted.frames, options.seed)
        return pieces if converted.samples is None else _trimmed(pieces, converted.samples)

    def of_recording(self, vector: np.ndarray, recording: np.ndarray | Source, options: ConversionOptions) -> MelStream:
        """A whole recording (N,), or one already analysed, in a voice (D,)."""
        source = recording if isinstance(recording, Source) else analyse(recording, self._net)
        frames = math.ceil(len(source.lf0) / options.speed)
        decoded = self._decode(source, vector, options, frames, options.speed)
        return MelStream(decoded, round(source.samples / options.speed), options.target_loudness(source.loudness))

    def of_text(self, vector: np.ndarray, text: str, options: ConversionOptions) -> MelStream:
        """A text in a voice (D,), passage by passage; the base speaker speaks at the speed asked for."""
        hop = self._front_end.hop_length

        def frames() -> Iterator[Tensor]:
            for wave in text_passages(text, options, self._front_end.sample_rate, hop):
                # the frame at the very end of a passage is the first one of the next
                yield from self._decode(analyse(wave, self._net), vector, options, len(wave) // hop)

        return MelStream(frames(), None, options.target_loudness(None))

    def of_chunks(self, vector: np.ndarray, chunks: Iterator[np.ndarray], options: ConversionOptions) -> MelStream:
        """A recording that is still being made, chunks (n,) of it, in a voice (D,), passage by passage."""
        rate, hop = self._front_end.sample_rate, self._front_end.hop_length
        style = options.chosen_style.before_conversion()

        def frames() -> Iterator[Tensor]:
            heard: deque[np.ndarray] = deque(maxlen=_PASSAGES_HEARD)
            for passage in passages(chunks, rate, hop):
                wave = apply_style(passage, rate, style)
                count = math.ceil(len(wave) / hop / options.speed)
                yield from self._decode(analyse(wave, self._net, heard), vector, options, count, options.speed)

        return MelStream(frames(), None, options.target_loudness(None))

    def _decode(
        self, source: Source, vector: np.ndarray, options: ConversionOptions, frames: int, stretch: float = 1.0
    ) -> Iterator[Tensor]:
        """The first `frames` frames of a source in a voice (D,), `stretch` times as fast, as `MelStream.frames`."""
        device = self._net.mel_mean.device
        index = (torch.arange(frames, dtype=torch.float64) * stretch).long().clamp(max=len(source.lf0) - 1)
        voice = torch.from_numpy(vector).to(device)
        register = self._net.voice_register(voice)
        lf0 = options.pitch(source, register)
        codes, lf0, index = (tensor.to(device) for tensor in (source.codes, lf0, index))
        pitch = self._pitch(lf0[index], register) if self.vocoder(options).reads_pitch else None
        done = 0
        for mel in self._net.stream_mel(codes, lf0, voice, index, _PIECE):
            mel = options.colour(mel, self._front_end)
            yield mel if pitch is None else torch.cat([mel, pitch[None, done : done + mel.shape[1]].to(mel)])
            done += mel.shape[1]

    def _pitch(self, lf0: Tensor, register: Tensor | None) -> Tensor:
        """Pitch (T,) in Hz, 0 where unvoiced, of normalised log-F0 (T,) in a voice's register (2,).

        The decoder's contour has zero mean and unit variance, so log F0 = mean + deviation * lf0.
        """
        if register is None:
            raise InputError(f"{self._own_vocoder.name} reads the pitch, which this checkpoint does not tell")
        pitch = self._net.spec.pitch
        assert pitch.kind == "register"  # the only kind that tells a register
        absolute = (register[0] + register[1] * lf0).exp().clamp(pitch.low, pitch.high)
        return torch.where(lf0 != 0, absolute, 0.0)


def styled_recording(audio: AudioSource, options: ConversionOptions, rate: int) -> np.ndarray:
    """A recording (N,) at `rate` Hz, with the part of the style that acts before conversion."""
    return apply_style(load_audio(audio, rate), rate, options.chosen_style.before_conversion())


def copy_synthesis_frames(wave: np.ndarray, net: IDFaceVCNet, vocoder: Vocoder) -> Tensor:
    """What the vocoder is given of a recording (N,) as it is: (M, T), or (M + 1, T) with its pitch in Hz."""
    frames = torch.cat(list(mel_blocks(wave, net)), dim=1)
    if not vocoder.reads_pitch:
        return frames
    lf0 = torch.from_numpy(log_f0(wave, net.spec.front_end)).to(frames)
    return torch.cat([frames, torch.where(lf0 != 0, lf0.exp(), 0.0)[None]])


def _trimmed(pieces: Iterator[np.ndarray], length: int) -> Iterator[np.ndarray]:
    for piece in pieces:
        yield piece[:length]
        length -= min(length, len(piece))

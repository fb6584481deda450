"""The public interface: a face becomes a `Voice`; a recording or a text in that voice becomes `Speech`."""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from idfacevc import vclip
from idfacevc.audio.io import AUDIO_SUFFIXES, SHORTEST_SECONDS, AudioSource, load_audio
from idfacevc.audio.manifest import Credentials
from idfacevc.audio.output import at_loudness, save_audio, streamed
from idfacevc.audio.pitch import log_f0
from idfacevc.audio.provenance import Provenance
from idfacevc.backbones.tower import AGE_BINS, GENDERS
from idfacevc.bundles import model as checkpoints
from idfacevc.bundles.vocoder import load_vocoder
from idfacevc.config.reader import to_dict
from idfacevc.errors import InputError
from idfacevc.face.reader import FaceReader, FaceSource, origin_of
from idfacevc.pipeline.chunks import passages
from idfacevc.pipeline.options import ConversionOptions, DeliveryOptions
from idfacevc.pipeline.source import Source, analyse, mel_blocks
from idfacevc.text.speakers import registry
from idfacevc.text.speakers.base import BaseSpeaker, speak
from idfacevc.text.style import Style, apply_style
from idfacevc.threads import few_threads, in_few_threads
from idfacevc.types import FaceAttributes, Speech, Voice
from idfacevc.vocoders.base import Vocoder
from idfacevc.vocoders.griffin_lim import GriffinLim
from idfacevc.vocoders.registry import build_vocoder

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in `typing` since Python 3.11

logger = logging.getLogger(__name__)

_PIECE = 256  # frames decoded at a time
_PASSAGES_HEARD = 20  # of a recording in chunks, over which its pitch is normalised
_PASSAGE = 4.0  # seconds of a text that are converted at once, or one sentence; pitch is normalised over so much


class IDFaceVC:
    """A trained bundle, ready to convert; made by `from_pretrained`.

    Args:
        bundle: loaded weights.
        device: where they are.
        vocoder: in place of the bundle's own.
    """

    system = "ID-FaceVC"

    def __init__(
        self, bundle: checkpoints.Bundle, device: torch.device | str = "cpu", vocoder: Vocoder | None = None
    ) -> None:
        self.spec = bundle.spec
        self.net = bundle.net
        self.tower = bundle.tower
        self.device = torch.device(device)
        self.faces = FaceReader(bundle.spec.model.face, bundle.tower, self.device)
        self.vocoder = vocoder or build_vocoder(bundle.spec.vocoder, vocoder_device(self.device), bundle.generator)

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str] = checkpoints.DEFAULT,
        device: str = "cpu",
        vocoder: str | os.PathLike[str] | None = None,
    ) -> IDFaceVC:
        """Load a bundle.

        Args:
            name: of the bundle, its folder, or a hub id "owner/name".
            device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the fastest that is there.
            vocoder: folder of another vocoder than the bundle's, or "griffin-lim".
        Raises:
            InputError: for an unknown bundle or device, files that do not match, and a vocoder of another front end.
        """
        chosen = pick_device(device)
        bundle = checkpoints.load_bundle(checkpoints.resolve(name), chosen)
        if vocoder is None:
            return cls(bundle, chosen)
        return cls(bundle, chosen, load_vocoder(vocoder, bundle.spec.model.front_end, vocoder_device(chosen)))

    @property
    def sample_rate(self) -> int:
        """Of all output, in Hz."""
        return self.spec.model.front_end.sample_rate

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the model's sizes and weights, by which a `Voice` knows its checkpoint."""
        digest = hashlib.sha256(repr(to_dict(self.spec.model)).encode())
        for name, tensor in sorted(self.net.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @few_threads()
    def voice_from_face(
        self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None
    ) -> Voice:
        """The voice of a face: the slow step, done once for any number of conversions.

        Args:
            face: file, image, array or video file, or a list of these, all of one person.
            aligned: the pictures already are crops framed as the backbone wants them; no face is searched.
            strict: several faces in a picture are an error instead of a warning.
            index: number of the face to use where there are several, from 0, the largest first.
        """
        voice = self.voice_from_tokens(self.faces.tokens(face, aligned, strict, index))
        return replace(voice, origin=origin_of(face))

    @few_threads()
    @torch.no_grad()
    def voice_from_tokens(self, tokens: Tensor) -> Voice:
        """The voice of backbone tokens (P, D)."""
        identity = self.net.face_head(tokens[None].to(self.device))
        vector = self.net.inference_voice(identity)
        made, of, seen = (tensor.float().cpu().numpy() for tensor in (vector[0], identity[0], tokens))
        return Voice(made, of, seen, self.fingerprint)

    @few_threads()
    @torch.no_grad()
    def voice_from_sound(self, sound: np.ndarray) -> Voice:
        """The voice of a Resemblyzer vector (256,), such as `GeneratedVoice.sound`: of a speaker instead of a face.

        Raises:
            InputError: for a bundle whose network was trained on other speaker vectors.
        """
        if self.spec.model.speech.kind != "resemblyzer_projection":
            raise InputError(f"checkpoint {self.spec.name} does not take Resemblyzer's speaker vectors as voices")
        identity, vector = self.net.speech_voice(torch.from_numpy(sound)[None].to(self.device))
        made, of = (tensor[0].float().cpu().numpy() for tensor in (vector, identity))
        return Voice(made, of, np.zeros((0, 0), np.float32), self.fingerprint)

    @torch.no_grad()
    def face_attributes(self, face: FaceSource, aligned: bool = False, strict: bool = False) -> FaceAttributes:
        """Gender and age of a face as the bundle's tower sees them; `InputError` for a bundle without one."""
        if self.tower is None:
            raise InputError(f"checkpoint {self.spec.name} has no face tower, which is what tells gender and age")
        gender, age = self.tower.attributes(self.faces.tokens(face, aligned, strict)[None])
        probability, index = gender.softmax(dim=1)[0].max(dim=0)
        return FaceAttributes(GENDERS[int(index)], float(probability), AGE_BINS[int(age.argmax())])

    @few_threads()
    def analyse(self, audio: AudioSource) -> Source:
        """Content and pitch of a recording, for `convert(source=...)` with many voices."""
        return analyse(load_audio(audio, self.sample_rate), self.net)

    @few_threads()
    def convert(
        self,
        voice: Voice,
        audio: AudioSource | None = None,
        text: str | None = None,
        source: Source | None = None,
        *,
        style: str | Style = "neutral",
        style_strength: float = 1.0,
        speed: float = 1.0,
        pitch_range: float = 1.0,
        seed: int = 0,
        language: str = "en",
        styles: str | os.PathLike[str] | None = None,
        base_speaker: str | os.PathLike[str] = "auto",
        speaker: int = 0,
        loudness: float | str | None = "source",
    ) -> Speech:
        """Speech in a voice, from exactly one of a recording, a text, and a recording already analysed.

        Args:
            voice: of `voice_from_face`, by this checkpoint.
            audio: a file, or (samples, sample_rate).
            text: said by the base speaker first.
            source: of `analyse`.
            style: a name or a `Style`; of a `source`, only its pitch, level and tilt can act, and its whisper.
            style_strength: 0 is neutral, 1 the preset as written, 2 exaggerated.
            speed: 0.5 to 2; the duration is divided by it.
            pitch_range: factor of the intonation's width; 0 is monotone.
            seed: of everything random; the same seed gives the same samples.
            language: of the text.
            styles: YAML file of own styles.
            base_speaker: that says the text: "auto", "espeak", "kokoro", "piper", "vits", "openvoice", a folder of
                weights of the last two, or a Piper voice's .onnx file.
            speaker: number in a base speaker with several, from 0.
            loudness: in LUFS; "source" is the recording's own, and -23 LUFS for a text; None leaves what comes. True
                peaks stay under -1 dBTP.
        """
        delivery = ConversionOptions(
            style, style_strength, speed, pitch_range, seed, language, styles, base_speaker, speaker, loudness
        )
        mels, length, target = self._mels(voice, audio, text, source, delivery)
        frames = torch.cat(list(mels), dim=1)
        samples = self._vocoder(delivery)(frames, seed)[:length]
        levelled = at_loudness(samples, self.sample_rate, target)
        return Speech(np.concatenate(list(levelled)), self.sample_rate, self._mel_of(frames), self.provenance(voice))

    @few_threads()
    def stream(
        self,
        voice: Voice,
        audio: AudioSource | Iterator[np.ndarray] | None = None,
        text: str | None = None,
        source: Source | None = None,
        *,
        watermark: bool = True,
        **options: Unpack[DeliveryOptions],
    ) -> Iterator[np.ndarray]:
        """The speech of `convert`, with its arguments, in pieces (n,) float32, in bounded memory, while it is made.

        A text is spoken, converted and handed out some sentences at a time, however long it is. The loudness follows
        what is known: all that was handed out and the next three seconds. An iterator as `audio` gives a recording that
        is still being made, a microphone's: chunks (n,) of mono floats at `sample_rate`. It is converted in passages of
        1 to 2 s, to which comes what decoder, vocoder and loudness look ahead; pitch is normalised over the last half
        minute instead of the whole.

        Args:
            watermark: the pieces carry the inaudible mark, as a file would.
        """
        pieces, target = self._pieces(voice, audio, text, source, ConversionOptions(**options))
        return in_few_threads(streamed(pieces, self.sample_rate, target, watermark))

    @few_threads()
    def convert_to_file(
        self,
        path: str | os.PathLike[str],
        voice: Voice,
        audio: AudioSource | None = None,
        text: str | None = None,
        source: Source | None = None,
        *,
        watermark: bool = True,
        credentials: Credentials | None = None,
        progress: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]] = iter,
        **options: Unpack[DeliveryOptions],
    ) -> float:
        """Write the speech of `convert`, with its arguments, in bounded memory.

        Args:
            path: .wav, .flac, .mp3, .opus or .m4a.
            watermark: put the inaudible mark into the samples.
            credentials: sign a C2PA manifest into the file.
            progress: is given the pieces as they are made, and hands them on.
        Returns:
            the duration in seconds.
        """
        pieces, target = self._pieces(voice, audio, text, source, ConversionOptions(**options))
        written = save_audio(
            path,
            progress(pieces),
            self.sample_rate,
            loudness=target,
            watermark=watermark,
            provenance=self.provenance(voice),
            credentials=credentials,
        )
        return written / self.sample_rate

    def provenance(self, voice: Voice) -> Provenance:
        """What a file of this voice says of where it came from."""
        return Provenance(self.system, f"{self.spec.name} {self.fingerprint}", voice.origin)

    @few_threads()
    def copy_synthesis(self, audio: AudioSource, seed: int = 0) -> Speech:
        """A recording through its mel and the vocoder alone: the best that this bundle can sound."""
        wav = load_audio(audio, self.sample_rate)
        frames = torch.cat(list(mel_blocks(wav, self.net)), dim=1)
        if self.vocoder.reads_pitch:
            lf0 = torch.from_numpy(log_f0(wav, self.spec.model.front_end)).to(frames)
            frames = torch.cat([frames, torch.where(lf0 != 0, lf0.exp(), 0.0)[None]])
        return Speech(self.vocoder(frames, seed)[: len(wav)], self.sample_rate, self._mel_of(frames))

    def _mel_of(self, frames: Tensor) -> np.ndarray:
        """The mel (M, T) alone of what a vocoder is given."""
        return frames[: self.spec.model.front_end.n_mels].cpu().numpy()

    def source_speech(self, audio: AudioSource | None, text: str | None, delivery: ConversionOptions) -> np.ndarray:
        """What a conversion analyses, (N,): the recording or the spoken text, with what of the style acts before it."""
        if text is not None:
            return np.concatenate(list(self._passages(text, delivery)))
        assert audio is not None
        style = delivery.chosen_style.before_conversion()
        return apply_style(load_audio(audio, self.sample_rate), self.sample_rate, style)

    def _passages(self, text: str, delivery: ConversionOptions) -> Iterator[np.ndarray]:
        """The spoken text in parts (n,) of whole sentences and whole frames, which are converted one by one."""
        speaker = _speaker(os.fspath(delivery.base_speaker), delivery.language, delivery.speaker)
        style = delivery.chosen_style.before_conversion()
        hop = self.spec.model.front_end.hop_length

        def passage(sentences: list[np.ndarray]) -> np.ndarray:
            spoken = np.concatenate(sentences)
            missing = max(0, math.ceil(SHORTEST_SECONDS * speaker.sample_rate) - len(spoken))  # a quick "Hi."
            wave = load_audio((np.pad(spoken, (0, missing)), speaker.sample_rate), self.sample_rate)
            return np.pad(wave, (0, -len(wave) % hop))

        waiting: list[np.ndarray] = []
        for sentence in speak(speaker, text, style, delivery.speed, delivery.seed):
            waiting.append(sentence)
            if sum(map(len, waiting)) >= _PASSAGE * speaker.sample_rate:
                yield passage(waiting)
                waiting = []
        if waiting:
            yield passage(waiting)

    def _pieces(
        self,
        voice: Voice,
        audio: AudioSource | Iterator[np.ndarray] | None,
        text: str | None,
        source: Source | None,
        delivery: ConversionOptions,
    ) -> tuple[Iterator[np.ndarray], float | None]:
        """The speech in pieces (n,) as the vocoder gives them, and the loudness that it is to have in LUFS."""
        mels, length, target = self._mels(voice, audio, text, source, delivery)
        pieces = self._vocoder(delivery).stream(mels, delivery.seed)
        return (pieces if length is None else _trimmed(pieces, length)), target

    def _mels(
        self,
        voice: Voice,
        audio: AudioSource | Iterator[np.ndarray] | None,
        text: str | None,
        source: Source | None,
        delivery: ConversionOptions,
    ) -> tuple[Iterator[Tensor], int | None, float | None]:
        """The converted log-mel in pieces (M, t), the number of samples that it stands for (None: all of them), and the
        loudness that they are to have in LUFS (None: their own).
        """
        if sum(given is not None for given in (audio, text, source)) != 1:
            raise InputError("give exactly one of a recording (audio), a text and an analysed source")
        if voice.checkpoint != self.fingerprint:
            raise InputError(f"the voice is not one of checkpoint {self.spec.name}: make it from the face again")
        if voice.vector.shape != (self.spec.model.memory.dim,):
            raise InputError(
                f"the voice has a vector of shape {voice.vector.shape}, not {(self.spec.model.memory.dim,)}"
            )
        if text is not None:
            return self._text_mels(voice, text, delivery), None, delivery.target_loudness(None)
        if isinstance(audio, Iterator):
            return self._chunk_mels(voice, audio, delivery), None, delivery.target_loudness(None)
        if source is None:
            source = analyse(self.source_speech(audio, None, delivery), self.net)
        frames = math.ceil(len(source.lf0) / delivery.speed)
        mels = self._decode(source, voice, delivery, frames, delivery.speed)
        return mels, round(source.samples / delivery.speed), delivery.target_loudness(source.loudness)

    def _text_mels(self, voice: Voice, text: str, delivery: ConversionOptions) -> Iterator[Tensor]:
        """The log-mel of a text, one passage after the other; the base speaker speaks at the speed asked for."""
        for wave in self._passages(text, delivery):
            # the frame at the very end of a passage is the first one of the next
            frames = len(wave) // self.spec.model.front_end.hop_length
            yield from self._decode(analyse(wave, self.net), voice, delivery, frames)

    def _chunk_mels(self, voice: Voice, chunks: Iterator[np.ndarray], delivery: ConversionOptions) -> Iterator[Tensor]:
        """The log-mel of a recording that arrives in chunks, one passage after the other."""
        style = delivery.chosen_style.before_conversion()
        hop = self.spec.model.front_end.hop_length
        heard: deque[np.ndarray] = deque(maxlen=_PASSAGES_HEARD)
        for passage in passages(chunks, self.sample_rate, hop):
            wave = apply_style(passage, self.sample_rate, style)
            frames = math.ceil(len(wave) / hop / delivery.speed)
            yield from self._decode(analyse(wave, self.net, heard), voice, delivery, frames, delivery.speed)

    def _decode(
        self, source: Source, voice: Voice, delivery: ConversionOptions, frames: int, stretch: float = 1.0
    ) -> Iterator[Tensor]:
        """The first `frames` frames of a source in a voice, `stretch` times as fast, in pieces for the vocoder.

        A piece is the log-mel (M, t), or (M + 1, t) with the pitch for a vocoder that reads it.
        """
        index = (torch.arange(frames, dtype=torch.float64) * stretch).long().clamp(max=len(source.lf0) - 1)
        vector = torch.from_numpy(voice.vector).to(self.device)
        register = self.net.voice_register(vector)
        lf0 = delivery.pitch(source, register)
        codes, lf0, index = (tensor.to(self.device) for tensor in (source.codes, lf0, index))
        pitch = self._pitch(lf0[index], register) if self._vocoder(delivery).reads_pitch else None
        done = 0
        for mel in self.net.stream_mel(codes, lf0, vector, index, _PIECE):
            mel = delivery.colour(mel, self.spec.model.front_end)
            yield mel if pitch is None else torch.cat([mel, pitch[None, done : done + mel.shape[1]].to(mel)])
            done += mel.shape[1]

    def _pitch(self, lf0: Tensor, register: Tensor | None) -> Tensor:
        """Pitch (T,) in Hz, 0 where unvoiced, of normalised log-F0 (T,) in a voice's register (2,)."""
        if register is None:
            raise InputError(f"{self.vocoder.name} reads the pitch, which checkpoint {self.spec.name} does not tell")
        pitch = self.spec.model.pitch
        assert pitch.kind == "register"  # the only kind that tells a register
        absolute = (register[0] + register[1] * lf0).exp().clamp(pitch.low, pitch.high)
        return torch.where(lf0 != 0, absolute, 0.0)

    def _vocoder(self, delivery: ConversionOptions) -> Vocoder:
        """The bundle's vocoder, or for a whisper random phases as they are: looking for better ones finds a pitch."""
        if delivery.chosen_style.whisper:
            return GriffinLim(self.spec.model.front_end, iterations=0)
        return self.vocoder


class _ConvertOptions(DeliveryOptions, total=False):
    system: str
    checkpoint: str | os.PathLike[str]
    device: str
    vocoder: str | os.PathLike[str] | None


def convert(face: FaceSource, audio_or_text: AudioSource | str, **options: Unpack[_ConvertOptions]) -> Speech:
    """Speech in the voice of a face, in one call.

    Args:
        face: as of `IDFaceVC.voice_from_face`.
        audio_or_text: (samples, sample_rate), an audio file, or a text. A string that names an existing file is audio;
            one that ends like an audio file but names none is an error and never spoken.
        options: `system` is "vclip" (a text in a generated voice of the face), "idfacevc" (the voice of the face's
            converter), or "auto": the former for texts where it can speak, which is logged. `checkpoint`, `device` and
            `vocoder` are for `IDFaceVC.from_pretrained`, whose result stays loaded for the next call; the rest is for
            `IDFaceVC.convert`.
    """
    given: dict[str, Any] = dict(options)
    system = given.pop("system", "auto")
    audio, text = audio_or_text_of(audio_or_text)
    chosen = choose_system(system, text, given)
    checkpoint, device = given.pop("checkpoint", checkpoints.DEFAULT), given.pop("device", "cpu")
    vocoder = given.pop("vocoder", None)
    if chosen == "vclip":
        assert text is not None
        one = vclip.loaded()
        return one.speak(one.voices(face, 1)[0], text, **given)
    vc = _cached(str(checkpoint), device, vocoder if vocoder is None else str(vocoder))
    return vc.convert(vc.voice_from_face(face), audio=audio, text=text, **given)


# options that only the converter has; whoever gives one means the converter
_OF_CONVERTER: dict[str, Any] = {
    "checkpoint": checkpoints.DEFAULT,
    "device": "cpu",
    "vocoder": None,
    "base_speaker": "auto",
    "speaker": 0,
}


def choose_system(system: str, text: str | None, options: dict[str, Any]) -> str:
    """Which system speaks: "vclip" or "idfacevc".

    Args:
        system: "auto" for Vclip where it can speak the text and no option is given that only the converter has.
        text: None for a recording.
        options: of `convert`.
    Raises:
        InputError: for an unknown system, and for Vclip where it cannot speak.
    """
    if system not in ("auto", "vclip", "idfacevc"):
        raise InputError(f"unknown system {system!r}; there are: auto, vclip, idfacevc")
    if system == "idfacevc" or (text is None and system == "auto"):
        return "idfacevc"
    given = [name for name, usual in _OF_CONVERTER.items() if options.get(name, usual) != usual]
    reason = "a recording is converted by idfacevc" if text is None else None
    reason = reason or (f"{given[0]} is an option of idfacevc" if given else None)
    reason = reason or vclip.obstacle(options.get("language", "en"))
    if reason and system == "vclip":
        raise InputError(f"system vclip: {reason}")
    chosen = "idfacevc" if reason else "vclip"
    logger.info("system: %s%s", chosen, f" ({reason})" if reason else "")
    return chosen


def audio_or_text_of(given: AudioSource | str) -> tuple[AudioSource | None, str | None]:
    """Sort one argument into (audio, text) as `convert` does."""
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


def vocoder_device(device: torch.device) -> torch.device:
    """Griffin-Lim works on complex numbers, which not every device other than CPU and CUDA has."""
    return device if device.type == "cuda" else torch.device("cpu")


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is the fastest here; for one that is not here, an `InputError`."""
    here = ["cpu"]
    here += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    here += ["mps"] if torch.backends.mps.is_available() else []
    if name == "auto":
        return torch.device(here[min(1, len(here) - 1)])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not any(known == name or known.split(":")[0] == name for known in here):
        raise InputError(f"unknown device {name!r}; here are: auto, {', '.join(here)}")
    return device


@lru_cache(maxsize=1)
def _cached(checkpoint: str, device: str, vocoder: str | None) -> IDFaceVC:
    return IDFaceVC.from_pretrained(checkpoint, device, vocoder)


@lru_cache(maxsize=1)
def _speaker(name: str, language: str, speaker: int) -> BaseSpeaker:
    """The base speaker of that name, or that a folder or hub id of that name holds."""
    if name not in ("auto", *registry.NAMES) and ("/" in name or Path(name).exists()):
        return registry.base_speaker("auto", language, name, speaker)
    return registry.base_speaker(name, language, speaker=speaker)


def _trimmed(pieces: Iterator[np.ndarray], length: int) -> Iterator[np.ndarray]:
    for piece in pieces:
        yield piece[:length]
        length -= min(length, len(piece))

"""The public interface: a face becomes a `Voice`; a recording or a text in that voice becomes `Speech`.

Each step is in `pipeline`: `source` analyses, `spoken_text` speaks a text, `chunks` cuts what is still being made,
`conversion` decodes, `system` chooses between the converter and Vclip.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from idfacevc import vclip
from idfacevc.audio.io import AudioSource, load_audio
from idfacevc.audio.manifest import Credentials
from idfacevc.audio.output import at_loudness, save_audio, streamed
from idfacevc.audio.provenance import Provenance
from idfacevc.backbones.tower import AGE_BINS, GENDERS
from idfacevc.bundles import model as checkpoints
from idfacevc.bundles.tensors import fingerprint as fingerprint_of
from idfacevc.bundles.vocoder import load_vocoder
from idfacevc.config.reader import to_dict
from idfacevc.errors import InputError
from idfacevc.face.reader import FaceReader, FaceSource, origin_of
from idfacevc.pipeline.conversion import MelStream, VoiceConverter, copy_synthesis_frames, styled_recording
from idfacevc.pipeline.device import pick_device, vocoder_device
from idfacevc.pipeline.options import ConversionOptions, DeliveryOptions
from idfacevc.pipeline.source import Source, analyse, audio_or_text_of
from idfacevc.pipeline.spoken_text import text_passages
from idfacevc.pipeline.system import choose_system
from idfacevc.text.style import Style
from idfacevc.threads import few_threads, in_few_threads
from idfacevc.types import FaceAttributes, Speech, Voice
from idfacevc.vocoders.base import Vocoder
from idfacevc.vocoders.registry import build_vocoder

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in `typing` since Python 3.11


class IDFaceVC:
    """A trained bundle, ready to convert; made by `from_pretrained`.

    Args:
        bundle: Loaded weights.
        device: Device of the weights.
        vocoder: Vocoder to use instead of the bundle's own.
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
            name: Name of a bundle, its folder, or a hub id "owner/name".
            device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the fastest of this machine.
            vocoder: Folder of a vocoder to use instead of the bundle's own, or "griffin-lim".
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
        """Sample rate of all output in Hz."""
        return self.spec.model.front_end.sample_rate

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the model's sizes and weights, by which a `Voice` knows its checkpoint."""
        return fingerprint_of(self.net, repr(to_dict(self.spec.model)))

    @few_threads()
    def voice_from_face(
        self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None
    ) -> Voice:
        """The voice of a face: the slow step, done once for any number of conversions.

        Args:
            face: File, image, array or video file, or a list of these, all of one person.
            aligned: The pictures are crops framed as the backbone wants them; no face is searched.
            strict: Several faces in a picture are an error instead of a warning.
            index: Number of the face to use where there are several, from 0, the largest first.
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
            voice: Voice made by this checkpoint.
            audio: Audio file, or (samples, sample_rate).
            text: Plain text; the base speaker says it first.
            source: Result of `analyse`.
            style: Name of a style, or a `Style`. Of a `source`, only its pitch, level, tilt and whisper can act.
            style_strength: 0 is neutral, 1 the style as written, 2 exaggerated.
            speed: Speaking rate, 0.5 to 2; the duration is divided by it.
            pitch_range: Factor of the intonation's width; 0 is monotone.
            seed: Random seed; equal seeds give equal samples.
            language: Language code of the text.
            styles: YAML file of own styles.
            base_speaker: Base speaker of a text: "auto", "espeak", "kokoro", "piper", "vits", "openvoice", a folder of
                weights of the last two, or a Piper voice's .onnx file.
            speaker: Number of the speaker in a base speaker with several, from 0.
            loudness: Loudness in LUFS; "source" is the recording's own, and -23 LUFS for a text; None leaves it as it
                comes. True peaks stay under -1 dBTP.
        """
        options = ConversionOptions(
            style, style_strength, speed, pitch_range, seed, language, styles, base_speaker, speaker, loudness
        )
        converted = self._converted(voice, audio, text, source, options)
        frames = torch.cat(list(converted.frames), dim=1)
        samples = self._converter.vocoder(options)(frames, seed)[: converted.samples]
        levelled = at_loudness(samples, self.sample_rate, converted.loudness)
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
        1 to 2 s, to which comes what vocoder, loudness (0.4 s) and watermark look ahead; pitch is normalised over the
        last half minute instead of the whole.

        Args:
            watermark: Whether the pieces carry the inaudible mark, as a file would.
        """
        chosen = ConversionOptions(**options)
        converted = self._converted(voice, audio, text, source, chosen)
        pieces = self._converter.samples(converted, chosen)
        live = isinstance(audio, Iterator)
        return in_few_threads(streamed(pieces, self.sample_rate, converted.loudness, watermark, live))

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
            path: File to write: .wav, .flac, .mp3, .opus or .m4a.
            watermark: Whether the samples carry the inaudible mark.
            credentials: Who signs a C2PA manifest in the file; None for no manifest.
            progress: Wrapper of the pieces; it hands them on as they are made.
        Returns:
            Duration in seconds.
        """
        chosen = ConversionOptions(**options)
        converted = self._converted(voice, audio, text, source, chosen)
        written = save_audio(
            path,
            progress(self._converter.samples(converted, chosen)),
            self.sample_rate,
            loudness=converted.loudness,
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
        frames = copy_synthesis_frames(wav, self.net, self.vocoder)
        return Speech(self.vocoder(frames, seed)[: len(wav)], self.sample_rate, self._mel_of(frames))

    def _mel_of(self, frames: Tensor) -> np.ndarray:
        """The mel (M, T) alone of what a vocoder is given."""
        return frames[: self.spec.model.front_end.n_mels].cpu().numpy()

    def source_speech(self, audio: AudioSource | None, text: str | None, delivery: ConversionOptions) -> np.ndarray:
        """What a conversion analyses, (N,): the recording or the spoken text, with what of the style acts before it."""
        if text is not None:
            hop = self.spec.model.front_end.hop_length
            return np.concatenate(list(text_passages(text, delivery, self.sample_rate, hop)))
        assert audio is not None
        return styled_recording(audio, delivery, self.sample_rate)

    @property
    def _converter(self) -> VoiceConverter:
        return VoiceConverter(self.net, self.vocoder)

    def _converted(
        self,
        voice: Voice,
        audio: AudioSource | Iterator[np.ndarray] | None,
        text: str | None,
        source: Source | None,
        options: ConversionOptions,
    ) -> MelStream:
        """The conversion up to the vocoder; nothing is decoded before its frames are read."""
        if sum(given is not None for given in (audio, text, source)) != 1:
            raise InputError("give exactly one of a recording (audio), a text and an analysed source")
        if voice.checkpoint != self.fingerprint:
            raise InputError(f"the voice is not one of checkpoint {self.spec.name}: make it from the face again")
        if voice.vector.shape != (self.spec.model.memory.dim,):
            raise InputError(
                f"the voice has a vector of shape {voice.vector.shape}, not {(self.spec.model.memory.dim,)}"
            )
        if text is not None:
            return self._converter.of_text(voice.vector, text, options)
        if isinstance(audio, Iterator):
            return self._converter.of_chunks(voice.vector, audio, options)
        recording = source or self.source_speech(audio, None, options)
        return self._converter.of_recording(voice.vector, recording, options)


class _ConvertOptions(DeliveryOptions, total=False):
    system: str
    checkpoint: str | os.PathLike[str]
    device: str
    vocoder: str | os.PathLike[str] | None


def convert(face: FaceSource, audio_or_text: AudioSource | str, **options: Unpack[_ConvertOptions]) -> Speech:
    """Speech in the voice of a face, in one call.

    Args:
        face: Face, as for `IDFaceVC.voice_from_face`.
        audio_or_text: (samples, sample_rate), an audio file, or a text. A string that names an existing file is audio;
            one that ends like an audio file but names none is an error and never spoken.
        options: `system` is "vclip" (a text in a generated voice of the face), "idfacevc" (the converter's voice of the
            face), or "auto": Vclip for texts where it can speak; the choice is logged. `checkpoint`, `device` and
            `vocoder` go to `IDFaceVC.from_pretrained`, whose result stays loaded for the next call, all others to
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


@lru_cache(maxsize=1)
def _cached(checkpoint: str, device: str, vocoder: str | None) -> IDFaceVC:
    return IDFaceVC.from_pretrained(checkpoint, device, vocoder)

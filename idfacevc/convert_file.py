"""One face or saved voice, one recording or text, one file of speech, by whichever system is the right one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from idfacevc.api import IDFaceVC
from idfacevc.audio.io import load_audio
from idfacevc.audio.manifest import Credentials
from idfacevc.audio.output import check_output, save_audio
from idfacevc.bundles.model import DEFAULT
from idfacevc.errors import InputError
from idfacevc.face.reader import origin_of
from idfacevc.files import check_writable, distinct
from idfacevc.pipeline.options import ConversionOptions, arguments
from idfacevc.pipeline.plot import figure_class, plot_conversion
from idfacevc.pipeline.system import choose_system
from idfacevc.types import GeneratedVoice, Progress, Voice, load_voice
from idfacevc.vclip import Vclip, space_of, spoken


@dataclass(frozen=True)
class FileConversion:
    """A conversion into a file.

    Attributes:
        output: File to write.
        faces, voice: Pictures or videos of one person, or the file of a saved voice.
        audio, text: Recording, or words to say.
        options: How to speak.
        system: "vclip", "idfacevc" or "auto".
        checkpoint, device, vocoder: Arguments of `IDFaceVC.from_pretrained`.
        strict_face, face_index: Which of several faces in a picture; see `IDFaceVC.voice_from_face`.
        watermark, credentials: See `IDFaceVC.convert_to_file`.
        voice_out: File to save the voice in.
        plot: Figure to draw.
    """

    output: str
    faces: Sequence[str] = ()
    voice: str | None = None
    audio: str | None = None
    text: str | None = None
    options: ConversionOptions = field(default_factory=ConversionOptions)
    system: str = "auto"
    checkpoint: str = DEFAULT
    device: str = "cpu"
    vocoder: str | None = None
    strict_face: bool = False
    face_index: int | None = None
    watermark: bool = True
    credentials: Credentials | None = None
    voice_out: str | None = None
    plot: str | None = None


@dataclass(frozen=True)
class Written:
    """What came of a conversion: the system that spoke, the seconds of speech, and the seconds that it took."""

    system: str
    seconds: float
    took: float


def check_files(wanted: FileConversion) -> None:
    """`InputError` for files that cannot be written or would replace what is read, before any work."""
    check_output(wanted.output, signed=wanted.credentials is not None)
    read = (*wanted.faces, wanted.audio, wanted.options.styles)
    distinct(wanted.output, *read)
    if wanted.plot:
        distinct(wanted.plot, *read)
        if Path(wanted.plot).absolute() == Path(wanted.output).absolute():
            raise InputError(f"{wanted.plot}: is the name of the output as well")
        if wanted.voice:
            raise InputError("--plot draws a face: give --face instead of --voice")
        figure_class(wanted.plot)
        check_writable(wanted.plot)
    if wanted.voice_out:
        if Path(wanted.voice_out).suffix != ".safetensors":
            raise InputError(f"{wanted.voice_out}: voices are saved as .safetensors")
        check_writable(wanted.voice_out)


def convert_file(wanted: FileConversion, progress: Progress = lambda pieces, _: pieces) -> Written:
    """Do a conversion that `check_files` has passed.

    Args:
        progress: Wrapper of the pieces, which gets their sample rate as well.
    Raises:
        InputError: for a voice that the system asked for does not speak in, and all that the systems refuse.
    """
    voice = load_voice(wanted.voice) if wanted.voice else None
    if _system(wanted, voice) == "vclip":
        return _synthesise(wanted, voice, progress)
    return _convert(wanted, voice, progress)


def _system(wanted: FileConversion, voice: Voice | GeneratedVoice | None) -> str:
    """Which system speaks: that of a saved voice, else the one asked for, else the better one that can."""
    generated = isinstance(voice, GeneratedVoice)
    if voice is not None and not generated:
        if wanted.system == "vclip":
            raise InputError(f"{wanted.voice}: is the voice of a converter; system vclip speaks in generated voices")
        return "idfacevc"
    if wanted.plot and wanted.system != "vclip":
        return "idfacevc"  # the figure shows a conversion
    if wanted.plot:
        raise InputError("--plot draws a conversion: give --system idfacevc")
    if generated and wanted.text is not None and wanted.system == "auto":
        return "vclip"
    chosen = {name: getattr(wanted, name) for name in ("checkpoint", "device", "vocoder")}
    return choose_system(wanted.system, wanted.text, chosen | vars(wanted.options))


def _convert(wanted: FileConversion, voice: Voice | GeneratedVoice | None, progress: Progress) -> Written:
    vc = IDFaceVC.from_pretrained(wanted.checkpoint, wanted.device, wanted.vocoder)
    crops: list[Image.Image] = []
    if isinstance(voice, GeneratedVoice):
        voice = vc.voice_from_sound(voice.sound)
    elif voice is None:
        faces = list(wanted.faces)
        crops = vc.faces.crops(faces, strict=wanted.strict_face, index=wanted.face_index)
        voice = replace(vc.voice_from_face(crops, aligned=True), origin=origin_of(faces))
    if wanted.voice_out:
        voice.save(wanted.voice_out)
    begin = time.perf_counter()
    seconds = vc.convert_to_file(
        wanted.output,
        voice,
        audio=wanted.audio,
        text=wanted.text,
        watermark=wanted.watermark,
        credentials=wanted.credentials,
        progress=lambda pieces: progress(pieces, vc.sample_rate),
        **arguments(wanted.options),
    )
    took = time.perf_counter() - begin
    if wanted.plot:
        source = vc.source_speech(wanted.audio, wanted.text, wanted.options)
        plot_conversion(
            wanted.plot, crops[0], source, load_audio(wanted.output, vc.sample_rate), vc.spec.model.front_end
        )
    return Written("idfacevc", seconds, took)


def _synthesise(wanted: FileConversion, voice: Voice | GeneratedVoice | None, progress: Progress) -> Written:
    """A text in a generated voice, that of the file or the one that fits the face best."""
    assert wanted.text is not None
    if voice is None:
        vclip = Vclip.from_pretrained()
        voice = vclip.voices(list(wanted.faces), 1, strict=wanted.strict_face, index=wanted.face_index)[0]
    assert isinstance(voice, GeneratedVoice)
    if wanted.voice_out:
        voice.save(wanted.voice_out)
    rate = space_of(voice.space).sample_rate
    begin = time.perf_counter()
    samples = save_audio(
        wanted.output,
        progress(spoken(voice, wanted.text, wanted.options), rate),
        rate,
        loudness=wanted.options.target_loudness(None),
        watermark=wanted.watermark,
        provenance=voice.provenance,
        credentials=wanted.credentials,
    )
    return Written("vclip", samples / rate, time.perf_counter() - begin)

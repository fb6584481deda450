"""`idfacevc demo`: a real photo, a text and a recording become speech, with a figure."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idfacevc.cli.options import add_model
from idfacevc.errors import optional

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

EXAMPLE = "idfacevc demo --out out/demo"
TEXT = "Hello. You have never heard this voice before, and neither has anyone else. It was made from a photograph."
RECORDING = "The quick brown fox jumps over the lazy dog, while the north wind and the sun look on."


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="convert a built-in photo with a text and with a recording",
        description="Speech for a photo (an astronaut's, from scikit-image) from a text and from a recording (by "
        "espeak-ng unless you give one), with a figure.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--out", default="out/demo", metavar="DIR", help="folder to write (%(default)s)")
    parser.add_argument("--face", metavar="IMG", help="your own photo")
    parser.add_argument("--audio", metavar="WAV", help="your own recording")
    add_model(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from idfacevc.api import IDFaceVC
    from idfacevc.audio.io import load_audio
    from idfacevc.audio.output import save_recording
    from idfacevc.audio.watermark import watermarker
    from idfacevc.pipeline.plot import figure_class, plot_conversion
    from idfacevc.text.speakers.registry import base_speaker

    out = Path(args.out)
    figure_class("figure.png")
    watermarker()
    vc = IDFaceVC.from_pretrained(args.checkpoint, args.device, args.vocoder)
    face = args.face or astronaut()
    print(f"checkpoint {vc.spec.name}, vocoder {vc.vocoder.name}, on {vc.device}")

    begin = time.perf_counter()
    crop = vc.faces.crops(face)[0]
    voice = vc.voice_from_face(crop, aligned=True)
    print(f"voice of {args.face or 'the astronaut photo'}: {time.perf_counter() - begin:.2f} s")
    if vc.tower is not None:
        seen = vc.face_attributes(crop, aligned=True)
        word = {"f": "female", "m": "male"}[seen.gender]
        print(f"  the face tower sees: {word} ({seen.gender_probability:.0%}), age {seen.age}")

    recording = load_audio(args.audio or base_speaker("espeak").synthesise(RECORDING), vc.sample_rate)
    save_recording(out / "recording.wav", recording, vc.sample_rate)
    inputs: dict[str, dict[str, Any]] = {"text": {"text": TEXT}, "speech": {"audio": (recording, vc.sample_rate)}}
    for name, content in inputs.items():
        begin = time.perf_counter()
        speech = vc.convert(voice, **content)
        took, seconds = time.perf_counter() - begin, len(speech.samples) / speech.sample_rate
        speech.save(out / f"{name}.wav")
        print(f"{out / name}.wav: {seconds:.2f} s in {took:.2f} s, real-time factor {took / seconds:.2f}")
    figure = out / "figure.png"
    plot_conversion(figure, crop, recording, speech.samples, vc.spec.model.front_end, "recording to the face's voice")
    print(f"{figure}: face, mels and pitch")
    _speak_naturally(crop, out)
    return 0


def _speak_naturally(crop: Image.Image, out: Path) -> None:
    """The text in the generated voice that fits the face best, or a line on why not."""
    from idfacevc.pipeline.system import obstacle
    from idfacevc.vclip import Vclip

    if reason := obstacle():
        print(f"no natural voice: {reason}")
        return
    begin = time.perf_counter()
    vclip = Vclip.from_pretrained()
    voice = vclip.voices(crop, 1, aligned=True)[0]
    speech = vclip.speak(voice, TEXT)
    speech.save(out / "natural.wav")
    took, seconds = time.perf_counter() - begin, len(speech.samples) / speech.sample_rate
    print(f"{out / 'natural.wav'}: a voice that belongs to nobody, {seconds:.2f} s in {took:.2f} s with its choice")


def astronaut() -> np.ndarray:
    """The photo of Eileen Collins inside scikit-image, public domain; (H, W, 3)."""
    with optional("skimage", "the photo of the demo needs scikit-image: pip install 'idfacevc[demo]', or --face"):
        from skimage import data
    return data.astronaut()

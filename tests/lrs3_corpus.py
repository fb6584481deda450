"""A small corpus of real videos in the layout of LRS3: one public-domain face in many guises, speaking by espeak.

python -m tests.lrs3_corpus FOLDER [--speakers 3] [--clips 3] [--seconds 1.5]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from idfacevc.data.corpora.lrs3 import fixed_speakers
from idfacevc.text.speakers.registry import base_speaker

SIDE, FPS, RATE = 224, 25, 16000  # of LRS3
FACE = (224, 117)  # where the astronaut's face is, in pixels of the photo
SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the shore of the sea.",
    "Nobody knew where the old road would lead them.",
    "A good idea is worth more than a long speech.",
    "Seven ships were sailing slowly to the south.",
)


def write_lrs3(root: Path, speakers: int = 3, clips: int = 3, seconds: float = 1.5, test: bool = False) -> Path:
    """Write `root`/{pretrain,trainval}/SPEAKER/CLIP.mp4 with CLIP.txt.

    Args:
        speakers: their ids hold hyphens and underscores, as YouTube's do; the later ones have fewer clips.
        clips: of the first speaker in pretrain; each further one has one less, and at least one. One more a speaker is
            in trainval.
        seconds: of each clip.
        test: also write a test part: the fixed test speakers and seven more, one clip each; among the latter are two
            whose voices are heard as women's.
    """
    for number in range(speakers):
        name = speaker_id(number)
        for clip in range(max(1, clips - number)):
            write_clip(root / "pretrain" / name / f"{clip + 1:05d}.mp4", number, clip, seconds)
        write_clip(root / "trainval" / name / "50001.mp4", number, clips, seconds)
    if test:
        named = {one.id: one.clip or "00001" for one in fixed_speakers("targets") + fixed_speakers("sources")}
        named |= {speaker_id(100 + number): "00001" for number in range(7)}
        for number, (name, clip_id) in enumerate(named.items()):
            write_clip(root / "test" / name / f"{clip_id}.mp4", 50 + number, 0, seconds)
    return root


def speaker_id(number: int) -> str:
    """11 characters that begin or end with what separates words elsewhere."""
    return f"{'-_a'[number % 3]}speak{number:03d}{'_-'[number % 2]}z"


def write_clip(path: Path, speaker: int, clip: int, seconds: float) -> None:
    """One video of the speaker's guise and voice, and beside it what is said."""
    text = SENTENCES[(speaker + clip) % len(SENTENCES)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, frames(speaker, clip, round(seconds * FPS)), voice(text, speaker, seconds))
    words = text.upper().rstrip(".").split()
    lines = [f"Text:  {' '.join(words)}", "Conf:  4", "Ref:  made", ""]
    if "pretrain" in path.parts:
        step = seconds / len(words)
        lines += ["WORD START END ASDSCORE"]
        lines += [f"{word} {n * step:.2f} {(n + 1) * step:.2f} 5.0" for n, word in enumerate(words)]
    path.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def frames(speaker: int, clip: int, count: int) -> list[Image.Image]:
    """The face, drifting through the picture; framing, light, colour and side are the speaker's."""
    from skimage.data import astronaut

    rng = np.random.default_rng([speaker, clip])
    photo = Image.fromarray(astronaut())
    side = 170 + 13 * (speaker % 6)
    photo = ImageEnhance.Brightness(photo).enhance(0.8 + 0.1 * (speaker % 5))
    photo = ImageEnhance.Color(photo).enhance((speaker % 4) / 2)
    drift = rng.uniform(-8, 8, 2)
    out = []
    for number in range(count):
        x, y = np.array(FACE) - side / 2 + drift * np.sin(number / 8)
        frame = photo.crop((round(x), round(y), round(x) + side, round(y) + side)).resize((SIDE, SIDE))
        out.append(ImageOps.mirror(frame) if speaker % 2 else frame)
    return out


def voice(text: str, speaker: int, seconds: float) -> np.ndarray:
    """espeak, said over and over for `seconds`, its pitch and formants moved by the speaker's factor; (N,) at RATE."""
    from scipy.signal import resample_poly

    samples, rate = base_speaker("espeak").synthesise(text, seed=speaker)
    faster = Fraction(RATE, rate) / Fraction(80 + 9 * (speaker % 7), 100)
    moved = resample_poly(samples, faster.numerator, faster.denominator)
    return np.resize(moved, round(seconds * RATE)).astype(np.float32)


def write_video(path: Path, pictures: Sequence[Image.Image], wav: np.ndarray | None) -> None:
    """H.264 at FPS and, unless `wav` is None, AAC at RATE."""
    import av

    with av.open(str(path), "w") as container:
        if pictures:
            video = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "20"})
            video.width, video.height = pictures[0].size
            video.pix_fmt = "yuv420p"
        if wav is not None:
            audio = container.add_stream("aac", rate=RATE, layout="mono")
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_image(picture)))
        if pictures:
            container.mux(video.encode(None))
        if wav is not None:
            for start in range(0, len(wav), 1024):
                block = av.AudioFrame.from_ndarray(wav[None, start : start + 1024], "fltp", "mono")
                block.sample_rate, block.pts, block.time_base = RATE, start, Fraction(1, RATE)
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speakers", type=int, default=3)
    parser.add_argument("--clips", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--test", action="store_true", help="write a test part too")
    args = parser.parse_args()
    write_lrs3(args.folder, args.speakers, args.clips, args.seconds, args.test)


if __name__ == "__main__":
    main()

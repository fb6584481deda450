"""Features of the demo's speech: python -m recipes.demo.speech_features --corpora DIR --whisper FILE --out DIR

Each utterance becomes one safetensors file: mel (T, 80), lf0 (T,), speaker embedding (256,), samples (N,) int16, and
Whisper's features (V, L, 384) of V versions of it: the recording, and perturbed ones that hide its speaker. A run that
was stopped goes on with the utterances that are missing.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from safetensors.torch import load_file, save_file
from scipy.signal import butter, firwin2, lfilter, resample_poly, sosfilt

from idfacevc.audio.level import at_speech_level
from idfacevc.audio.mel import LogMel
from idfacevc.audio.pitch import log_f0
from idfacevc.backbones.whisper import WhisperEncoder
from idfacevc.config.content import WhisperSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError
from recipes.demo.corpora import ADULT, kept_out, read_corpus_table

FRONT_END = FrontEndSpec(floor=1e-5)
RATE = FRONT_END.sample_rate
_LONGEST = 14  # seconds kept of an utterance
_PER_ADULT, _PER_CHILD, _PICOVOICE = 10, 6, 250  # utterances taken of a speaker, and of a corpus without speakers
PARALLEL_TABLE = "speech.tsv"  # in a folder of parallel speech
PARALLEL_COLUMNS = (
    "id", "corpus", "speaker", "gender", "age", "split", "seconds", "path", "text",
    "prosody", "group", "f0_scale", "phonemes", "durations",
)  # fmt: skip
_ARCHIVES = ("adults", "children", "librispeech", "picovoice", "kokoro")


@dataclass(frozen=True)
class ChosenUtterance:
    """One utterance. `group` names what is spoken alike in several timbres; it is empty for real speech."""

    id: str
    corpus: str
    speaker: str
    path: str
    group: str = ""


def chosen_clips(corpora: Path, parallel: Path | None = None) -> list[ChosenUtterance]:
    """All parallel speech, and of the real training speech the longest utterances of each speaker.

    Args:
        corpora: Folder with the tables and archives.
        parallel: Folder of further parallel speech, as `recipes.demo.parallel_speech` writes it.
    """
    csv.field_size_limit(2**31 - 1)
    rows = [
        row
        for row in read_corpus_table(corpora / "speech.tsv")
        if row["split"] == "train" and not kept_out(row["corpus"], row["speaker"])
    ]
    speakers: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        speakers.setdefault((row["corpus"], row["speaker"]), []).append(row)
    drawn: list[dict[str, str]] = []
    rng = random.Random(7)
    for (corpus, _), own in speakers.items():
        rng.shuffle(own)
        if corpus == "speechocean762":
            own.sort(key=lambda row: -float(row["seconds"]))
            drawn += own[: _PER_ADULT if float(own[0]["age"]) >= ADULT else _PER_CHILD]
        else:
            drawn += own[:_PICOVOICE] if corpus == "picovoice" else own
    spoken = read_corpus_table(corpora / "speech-kokoro.tsv")
    clips = [ChosenUtterance(row["id"], row["corpus"], row["speaker"], row["path"], row["group"]) for row in spoken]
    if parallel:
        clips += [
            ChosenUtterance(row["id"], row["corpus"], row["speaker"], str(parallel / row["path"]), row["group"])
            for row in read_corpus_table(parallel / PARALLEL_TABLE)
        ]
    return clips + [ChosenUtterance(row["id"], row["corpus"], row["speaker"], row["path"]) for row in drawn]


def degraded(wav: np.ndarray, rng: np.random.Generator, noisy: bool = True) -> np.ndarray:
    """A recording (N,) as another microphone, room and line would have it; the level is that of speech again."""
    points = np.array([0, 200, 500, 1000, 2000, 4000, 6000, 8000]) / (RATE / 2)
    wav = lfilter(firwin2(129, points, 10 ** (rng.normal(0, 5, len(points)) / 20)), 1, wav)
    if rng.random() < 0.4:
        length = int(RATE * rng.uniform(0.1, 0.35))
        room = rng.normal(0, 1, length) * np.exp(-6.9 * np.arange(length) / length)  # 60 dB down at its end
        room *= rng.uniform(0.1, 0.45) / np.sqrt((room**2).sum())
        room[0] += 1
        wav = np.convolve(wav, room)[: len(wav)]
    if rng.random() < 0.4:
        wav = sosfilt(butter(6, rng.uniform(3000, 7000), fs=RATE, output="sos"), wav)
    if noisy and rng.random() < 0.7:
        ratio = rng.uniform(12, 40)
        noise = rng.normal(0, 1, len(wav))
        if rng.random() < 0.6:
            noise = lfilter([1], [1, -rng.uniform(0.5, 0.97)], noise)
        wav = wav + noise * np.sqrt((wav**2).mean() / (noise**2).mean()) * 10 ** (-ratio / 20)
    return at_speech_level(wav)


def transposed(wav: np.ndarray, factor: float) -> np.ndarray:
    """A recording (N,) as if spoken by a larger (factor > 1) or smaller person: slower and lower, or the reverse."""
    return resample_poly(wav, round(100 * factor), 100)


def stretched(features: np.ndarray, length: int) -> np.ndarray:
    """Features (L', D) at `length` evenly spaced places between their first and last, (length, D)."""
    place = np.linspace(0, len(features) - 1, length)
    low = np.floor(place).astype(int)
    weight = (place - low)[:, None].astype(features.dtype)
    return features[low] * (1 - weight) + features[np.minimum(low + 1, len(features) - 1)] * weight


class Extractor:
    """Features of utterances.

    Args:
        corpora: Folder with the tables and archives.
        whisper: State of Whisper's encoder, as `whisper_weights` writes it.
    """

    def __init__(self, corpora: Path, whisper: Path) -> None:
        from resemblyzer import VoiceEncoder

        self._archives = {}
        for name in _ARCHIVES:
            archive = zipfile.ZipFile(corpora / f"speech-{name}.zip")
            self._archives.update(dict.fromkeys(archive.namelist(), archive))
        self._whisper = WhisperEncoder(WhisperSpec())
        self._whisper.load_state_dict(load_file(whisper))
        self._whisper.eval()
        self._speaker = VoiceEncoder("cpu", verbose=False)
        self._mel = LogMel(FRONT_END)

    def __call__(self, clip: ChosenUtterance) -> dict[str, torch.Tensor]:
        """The arrays of one utterance, as the module's first lines list them."""
        archive = self._archives.get(clip.path)
        wav, rate = soundfile.read(io.BytesIO(archive.read(clip.path)) if archive else clip.path, dtype="float32")
        if rate != RATE:
            wav = resample_poly(wav, RATE // np.gcd(rate, RATE), rate // np.gcd(rate, RATE))
        wav = at_speech_level(wav[: RATE * _LONGEST])
        mel = self._mel(torch.from_numpy(wav)[None])[0].T
        length = (len(mel) + 1) // 2
        versions = [self._words(wav)]
        rng = np.random.default_rng(zlib.crc32(clip.id.encode()))
        if clip.group:  # the timbre is changed by taking another member of the group
            versions.append(self._words(degraded(wav, rng)))
        else:
            for noisy in (False, True):
                moved = degraded(transposed(wav, np.exp(rng.uniform(-0.2, 0.2))), rng, noisy)
                versions.append(stretched(self._words(moved), length))
        return {
            "mel": mel.half().contiguous(),
            "lf0": torch.from_numpy(log_f0(wav, FRONT_END)),
            "speaker": torch.from_numpy(self._speaker.embed_utterance(wav)),
            "samples": torch.from_numpy((np.clip(wav, -1, 1) * 32767).astype(np.int16)),
            "words": torch.from_numpy(np.stack([stretched(one, length) for one in versions])).half(),
        }

    def _words(self, wav: np.ndarray) -> np.ndarray:
        return self._whisper.features(wav.astype(np.float32)).numpy()


def main() -> None:
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--parallel", type=Path, metavar="DIR", help="folder of further parallel speech")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", type=int, nargs=2, default=[0, 1], metavar=("K", "N"), help="the K-th of N processes")
    args = parser.parse_args()
    try:
        clips = chosen_clips(args.corpora, args.parallel)[args.part[0] :: args.part[1]]
        extract = Extractor(args.corpora, args.whisper)
    except (InputError, OSError) as error:
        raise SystemExit(f"speech_features: {error}") from error
    args.out.mkdir(parents=True, exist_ok=True)
    for clip in tqdm(clips):
        file = args.out / f"{clip.id}.safetensors"
        if file.exists():
            continue
        about = {"corpus": clip.corpus, "speaker": clip.speaker, "group": clip.group}
        save_file(extract(clip), file.with_suffix(".part"), about)
        file.with_suffix(".part").replace(file)


if __name__ == "__main__":
    main()

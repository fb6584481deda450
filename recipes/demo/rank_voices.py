"""Which speakers' voices a trained decoder speaks well: python -m recipes.demo.rank_voices …

How well a speaker was recorded does not tell how well others are converted to that voice. So it is tried: recordings of
the training split are converted to every speaker whom faces could be paired with. A table says what came out.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from idfacevc.audio.pitch import log_f0, normalise_lf0
from idfacevc.data.shards import FeatureStore
from idfacevc.errors import InputError
from idfacevc.evaluation.metrics.embedding import SpeakerEncoder, centroid, cosine
from idfacevc.evaluation.metrics.gender import VoiceGender
from idfacevc.files import replacing
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.training.export import read_network
from idfacevc.vocoders.griffin_lim import GriffinLim
from recipes.demo.items import VOICE_COLUMNS, candidates
from recipes.demo.phoneme_judge import PhonemeJudge, load_phoneme_judge

SOURCES = 16
_SHORTEST, _LONGEST = 300, 600  # frames of a source, which is the first of a longer clip
_PIECE = 400
_SEED = 520


@dataclass(frozen=True)
class _Source:
    """A recording to convert: its content, pitch and normalised mel (1, M, T), and whose it is."""

    codes: Tensor
    lf0: Tensor
    mel: Tensor
    speaker: str


class VoiceRanking:
    """Conversions of adults' recordings of the training split, as many of women as of men.

    Args:
        net: the trained network.
        store: prepared speech.
        words: judge of what is left of the words.
    """

    def __init__(self, net: IDFaceVCNet, store: FeatureStore, words: PhonemeJudge) -> None:
        self.net, self.store, self.words = net.eval(), store, words
        self.groups = candidates(store)
        self._clips = {speaker: own for group in self.groups.values() for speaker, own in group.items()}
        self._encoder, self._gender = SpeakerEncoder(), VoiceGender.load()
        self._vocoder = GriffinLim(net.spec.front_end)
        self.sources = list(self._draw_sources())
        if not self.sources:
            raise InputError("there is nothing to convert: no adult of the training split has a clip of 3 s")
        self._own = {source.speaker: self._voice(source.speaker)[1] for source in self.sources}

    def _draw_sources(self) -> Iterator[_Source]:
        rng = np.random.default_rng(_SEED)
        for group in ("f-adult", "m-adult"):
            speakers = sorted(self.groups.get(group, {}))
            for index in rng.permutation(len(speakers))[: SOURCES // 2]:
                fit = [i for i in self._clips[speakers[index]] if self.store.clips[i].frames >= _SHORTEST]
                if fit:
                    yield self._source(min(fit, key=lambda i: self.store.clips[i].frames), speakers[index])

    @torch.inference_mode()
    def _source(self, index: int, speaker: str) -> _Source:
        mel = self.net.normalise_mel(self.store.read(index, "mel")[:_LONGEST].float().T[None])
        codes = self.net.content_codes(mel)[0]
        frames = 2 * len(codes)
        lf0 = torch.from_numpy(normalise_lf0(self.store.read(index, "lf0").numpy()))[:frames]
        return _Source(codes, lf0, mel[..., :frames], speaker)

    def _voice(self, speaker: str) -> tuple[Tensor, np.ndarray]:
        """The mean of a speaker's features (1, P, D), and the speaker embedding (D,)."""
        features = torch.stack([self.store.read(index, "speech")[0].float() for index in self._clips[speaker]])
        return features.mean(dim=0)[None], centroid(list(features[:, 0].numpy()))

    @torch.inference_mode()
    def of(self, speaker: str, gender: str) -> dict[str, float]:
        """What came out of the conversions to a speaker, means over the sources.

        Returns:
            move: cosine of the speaker embeddings to the speaker's less that to the source's; gender: share heard as
            of this gender; words: difference that the judge hears, 0 for none.
        """
        features, wanted = self._voice(speaker)
        voice = self.net.speech_voice(features).voice[0]
        rows = []
        for source in self.sources:
            if source.speaker == speaker:
                continue
            frames = torch.arange(len(source.lf0))
            mel = torch.cat(list(self.net.stream_mel(source.codes, source.lf0, voice, frames, _PIECE)), dim=1)
            wave = self._vocoder(mel)
            embedding, pitch = np.array(self._encoder(wave)), log_f0(wave, self.net.spec.front_end)
            voiced = pitch[pitch != 0]
            heard = self._gender.predict(embedding, float(np.median(voiced)) if len(voiced) else None)
            move = cosine(embedding, wanted) - cosine(embedding, self._own[source.speaker])
            rows.append(
                (move, heard == gender, float(self.words.difference(self.net.normalise_mel(mel[None]), source.mel)))
            )
        return dict(zip(("move", "gender", "words"), np.mean(rows, axis=0).tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, help="Lightning checkpoint of stage A")
    parser.add_argument("--words", required=True, help="checkpoint of the judge of words")
    parser.add_argument("--features", required=True, type=Path, help="shards of the speech")
    parser.add_argument("--out", required=True, type=Path, help="table to write")
    args = parser.parse_args()
    store = FeatureStore(args.features)
    trial = VoiceRanking(read_network(args.checkpoint), store, load_phoneme_judge(args.words))
    with replacing(args.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, VOICE_COLUMNS, delimiter="\t")
        table.writeheader()
        for group, speakers in sorted(trial.groups.items()):
            for speaker in tqdm(sorted(speakers), desc=group, unit="voice"):
                found = trial.of(speaker, gender=group[0])
                table.writerow({"speaker": speaker, **{name: f"{value:.4f}" for name, value in found.items()}})


if __name__ == "__main__":
    main()

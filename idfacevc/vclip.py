"""Vclip (arXiv 2601.02753): a face chooses among voices that belong to nobody, and texts are spoken in them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F

from idfacevc.audio.io import load_audio
from idfacevc.audio.mel import LogMel
from idfacevc.audio.output import at_loudness
from idfacevc.backbones.tower import FaceTower
from idfacevc.bundles import model as checkpoints
from idfacevc.bundles.tensors import fingerprint
from idfacevc.bundles.vclip import VclipBundle, load_vclip
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError
from idfacevc.face.crop import framings
from idfacevc.face.reader import FaceReader, FaceSource
from idfacevc.models.vclip import retrieval
from idfacevc.models.vclip.face_features import face_features
from idfacevc.pipeline.options import ConversionOptions
from idfacevc.pipeline.system import VCLIP
from idfacevc.text.speakers.base import speak
from idfacevc.text.speakers.spaces.base import SpeakerSpace
from idfacevc.text.speakers.spaces.kokoro import KokoroSpace
from idfacevc.text.style import soft_clip
from idfacevc.types import GeneratedVoice, Speech

Pool = Literal["generated", "bank"]
_SHORTLIST = 200  # of the best candidates, those among which voices that differ are looked for
_ALIKE = 0.8  # cosine of two voices that are offered as different ones


class Vclip:
    """A loaded bundle with the face side that it was trained on; made by `from_pretrained`.

    Args:
        bundle: loaded.
        faces: detector, crop and backbone.
        tower: the face tower.
    Raises:
        InputError: for a tower other than the one that the heads know.
    """

    def __init__(self, bundle: VclipBundle, faces: FaceReader, tower: FaceTower | None) -> None:
        if tower is None or fingerprint(tower) != bundle.spec.tower:
            raise InputError(f"bundle {bundle.spec.name} was trained with another face tower than the one given")
        self.bundle, self.faces, self.tower = bundle, faces, tower
        self.space = space_of(bundle.spec.space)

    @classmethod
    def from_pretrained(
        cls, name: str | os.PathLike[str] = VCLIP, face_side: str | os.PathLike[str] = checkpoints.DEFAULT
    ) -> Vclip:
        """Load a bundle, on the CPU.

        Args:
            name: Name of the bundle, its folder, or a hub id "owner/name".
            face_side: the bundle whose face tower the heads read.
        """
        bundle = load_vclip(checkpoints.resolve(name, "vclip"))
        folder = checkpoints.resolve(face_side)
        spec = checkpoints.read_spec(folder)
        tower = checkpoints.load_face_tower(spec, folder)
        return cls(bundle, FaceReader(spec.model.face, tower), tower)

    @property
    def sample_rate(self) -> int:
        """Sample rate of all speech in Hz."""
        return self.space.sample_rate

    @torch.no_grad()
    def embed_face(
        self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None
    ) -> np.ndarray:
        """Unit vector (D,) of a face in the association space, the mean over its pictures.

        Arguments are those of `IDFaceVC.voice_from_face`.
        """
        placed = self.bundle.association.of_faces(self.face_features(face, aligned, strict, index))
        return F.normalize(placed.mean(dim=0), dim=0).numpy()

    @torch.no_grad()
    def face_features(
        self, face: FaceSource, aligned: bool = False, strict: bool = False, index: int | None = None
    ) -> torch.Tensor:
        """What the heads read of each picture of a face, (pictures, face_dim)."""
        crops = self.faces.crops(face, aligned, strict, index)
        tokens = [self.faces.backbone.tokens(framings(crop)).mean(dim=0) for crop in crops]
        return face_features(self.tower, torch.stack(tokens))

    def voices(
        self,
        face: FaceSource,
        k: int = 5,
        pool: Pool = "generated",
        temperature: float = 0.0,
        seed: int = 0,
        **reading: Any,
    ) -> list[GeneratedVoice]:
        """The k voices of a pool that fit a face best and differ from one another, best first.

        Args:
            face: file, image, array or video, or several of one person.
            pool: "generated" for voices that belong to nobody, "bank" for the synthesiser's own.
            temperature: above 0, voices are drawn by chance in proportion to exp(score / temperature); 0.05 is lively.
            seed: Random seed of the draw.
            reading: `aligned`, `strict` and `index` of `embed_face`.
        Raises:
            InputError: without a face, and for more voices than the pool holds.
        """
        return self.voices_of(self.embed_face(face, **reading), k, pool, temperature, seed)

    def voices_of(
        self, face: np.ndarray, k: int = 5, pool: Pool = "generated", temperature: float = 0.0, seed: int = 0
    ) -> list[GeneratedVoice]:
        """`voices` of a vector of `embed_face`."""
        scores = self.scores(face, pool)
        if temperature > 0:
            chosen = retrieval.resample(scores, k, temperature, seed)
            chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        else:
            short = retrieval.top(scores, max(k, min(_SHORTLIST, len(scores))))
            chosen = short[retrieval.different(scores[short], self._sound(short, pool), k, _ALIKE)]
        return self._named(chosen, scores, pool)

    def cast(self, faces: Sequence[np.ndarray], pool: Pool = "generated") -> list[GeneratedVoice]:
        """One voice for each of several vectors of `embed_face`: fitting, and unlike those of the others."""
        scores = [self.scores(face, pool) for face in faces]
        short = np.unique(np.concatenate([retrieval.top(one, min(50, len(one))) for one in scores]))
        chosen = short[retrieval.cast([one[short] for one in scores], self._sound(short, pool))]
        return [self._named(np.array([one]), scores[face], pool)[0] for face, one in enumerate(chosen)]

    def scores(self, face: np.ndarray, pool: Pool = "generated") -> np.ndarray:
        """Cosine (S,) of a face (D,) with every voice of a pool."""
        return (self.bundle.index if pool == "generated" else self._bank_index) @ face

    def judge(self, face: np.ndarray, voice: GeneratedVoice, same_judge: bool = False) -> float:
        """Score of a face (D,) with a voice that other heads chose.

        Raises:
            InputError: for a voice that these heads chose, unless `same_judge`: who chooses may not also judge.
        """
        if voice.selector == self.bundle.fingerprint and not same_judge:
            raise InputError("these heads chose the voice, and may not judge it; train others, or say same_judge")
        return float(self.bundle.placed(voice.sound[None])[0] @ face)

    def speak(self, voice: GeneratedVoice, text: str, **options: Any) -> Speech:
        """A text in a voice; `options` are those of `stream`."""
        delivery = ConversionOptions(**options)
        pieces = at_loudness(spoken(voice, text, delivery), self.sample_rate, delivery.target_loudness(None))
        samples = np.concatenate(list(pieces))
        front_end = FrontEndSpec()
        heard = torch.from_numpy(load_audio((samples, self.sample_rate), front_end.sample_rate))
        return Speech(samples, self.sample_rate, LogMel(front_end)(heard[None])[0].numpy(), voice.provenance)

    @cached_property
    def _bank_index(self) -> np.ndarray:
        return self.bundle.placed(self.bundle.heard)

    def _sound(self, chosen: np.ndarray, pool: Pool) -> np.ndarray:
        return self.bundle.sound(self.bundle.vectors(chosen)) if pool == "generated" else self.bundle.heard[chosen]

    def _named(self, chosen: np.ndarray, scores: np.ndarray, pool: Pool) -> list[GeneratedVoice]:
        bank = self.space.bank()
        if pool == "generated":
            vectors, names = self.bundle.vectors(chosen), [str(index) for index in chosen]
        else:
            names = [self.bundle.spec.bank[index] for index in chosen]
            vectors = np.stack([bank.vectors[bank.names.index(name)] for name in names])
        places = np.empty(len(scores), int)
        places[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
        sound = self._sound(chosen, pool)
        voices = []
        for number, index in enumerate(chosen):
            away = np.linalg.norm(bank.vectors - vectors[number], axis=1)
            nearest = int(away.argmin())
            voices.append(
                GeneratedVoice(
                    vectors[number],
                    sound[number],
                    self.space.name,
                    names[number],
                    float(scores[index]),
                    int(places[index]) + 1,
                    float(100 * (scores < scores[index]).mean()),
                    bank.names[nearest],
                    float(away[nearest]),
                    self.bundle.fingerprint,
                )
            )
        return voices


def stream(voice: GeneratedVoice, text: str, **options: Any) -> Iterator[np.ndarray]:
    """Speech of a text in a voice, sentence by sentence, each (n,) float32; nothing but the synthesiser is loaded.

    Args:
        voice: Voice made by `Vclip.voices`, or loaded.
        options: `style`, `style_strength`, `speed`, `pitch_range`, `seed`, `language` and `styles`, as of
            `IDFaceVC.convert`; `speak` heeds `loudness` as well.
    Raises:
        InputError: where the synthesiser is not installed, for a language that it lacks, and a text without words.
    """
    return spoken(voice, text, ConversionOptions(**options))


def spoken(
    voice: GeneratedVoice, text: str, delivery: ConversionOptions, opening: bool = False
) -> Iterator[np.ndarray]:
    """`stream` with its options as one object; with `opening`, the first phrase comes by itself, and so much sooner."""
    if delivery.language.lower().split("-")[0] != "en":
        raise InputError(f"generated voices speak English, not {delivery.language!r}; system idfacevc speaks others")
    speaker = space_of(voice.space).speaker(voice.vector)
    style = delivery.chosen_style
    style = dataclasses.replace(style, pitch_range=style.pitch_range * delivery.pitch_range)
    pieces = speak(speaker, text, style, delivery.speed, delivery.seed, opening)
    return (soft_clip(piece).astype(np.float32) for piece in pieces)


def space_of(name: str) -> SpeakerSpace:
    """The space of that name.

    Raises:
        InputError: for one that this version does not know.
    """
    if name != KokoroSpace.name:
        raise InputError(f"a voice of the space {name!r} cannot speak here; known is: {KokoroSpace.name}")
    return KokoroSpace()


@lru_cache(maxsize=1)
def loaded() -> Vclip:
    """The default bundle, loaded once."""
    return Vclip.from_pretrained()

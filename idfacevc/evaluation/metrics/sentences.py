"""Closed-set intelligibility: which of N known sentences was said?

A small recogniser fails on free accented speech, but choosing among whole sentences it tells intelligible speech from
blur. Chance is 1/N.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from idfacevc.evaluation.metrics.base import MetricInfo, RatioMetric, Scorer, Unavailable, require
from idfacevc.evaluation.metrics.recognition import decode, new_decoder

MAX_SENTENCES = 60  # the size that published figures of this project refer to


def spoken_words(text: str) -> str:
    """Lower-case words with apostrophes, single spaces: what the grammar and the results are compared in."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


class SentenceChooser(Scorer):
    """pocketsphinx with a grammar of the given sentences. Result: the recognised sentence (see `spoken_words`), or "".

    Words that its dictionary lacks are left out of the grammar. Raises `Unavailable` for fewer than two sentences.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = tuple(sorted({spoken_words(sentence) for sentence in sentences} - {""}))
        if len(self.sentences) < 2:
            raise Unavailable("the sentence test needs at least two different transcripts")
        digest = hashlib.sha256("\n".join(self.sentences).encode()).hexdigest()[:16]
        self.name = f"pocketsphinx {require('pocketsphinx')} among {len(self.sentences)} sentences {digest}"

    @property
    def chance(self) -> float:
        """Share that guessing gets right."""
        return 1 / len(self.sentences)

    @cached_property
    def _decoder(self) -> tuple[Any, dict[str, str]]:
        """The decoder, and what it says for each sentence."""
        decoder = new_decoder(lm=None)
        heard = {
            " ".join(word for word in sentence.split() if decoder.lookup_word(word)): sentence
            for sentence in self.sentences
        }
        heard.pop("", None)
        rules = " | ".join(f"( {words} )" for words in heard)
        decoder.add_jsgf_string("sentences", f"#JSGF V1.0;\ngrammar sentences;\npublic <sentence> = {rules} ;\n")
        decoder.activate_search("sentences")
        return decoder, heard

    def __call__(self, wav: np.ndarray) -> str:
        decoder, heard = self._decoder
        return heard.get(decode(decoder, wav), "")

    def __getstate__(self) -> dict[str, Any]:
        return {"sentences": self.sentences, "name": self.name}  # a decoder cannot travel to another process


class ClosedSet(RatioMetric):
    """Share of utterances recognised as their own sentence."""

    info = MetricInfo("closed_set", "Sentence test", "share", "higher", (0.0, 1.0), "offline", "this project")

    def update(self, recognised: str, transcript: str, speaker: str) -> None:
        """`recognised` as `SentenceChooser` gives it, `transcript` in any spelling."""
        self.add(recognised == spoken_words(transcript), speaker)

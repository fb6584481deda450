"""SECS, SEC and SED against brute force over the definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from idfacevc.evaluation.metrics.base import Unavailable
from idfacevc.evaluation.metrics.fit import FaceVoiceFit
from idfacevc.evaluation.metrics.similarity import SEC, SECS, SED


def unit(rng: np.random.Generator) -> np.ndarray:
    vector = np.abs(rng.normal(size=16))
    return vector / np.linalg.norm(vector)


def grid(rng: np.random.Generator) -> dict[tuple[str, str], list[np.ndarray]]:
    """Outputs by (utterance, target), with gaps and different numbers of pictures."""
    counts = {("u1", "a"): 3, ("u1", "b"): 2, ("u1", "c"): 1, ("u2", "a"): 2, ("u2", "c"): 4, ("u3", "b"): 2}
    return {key: [unit(rng) for _ in range(count)] for key, count in counts.items()}


def test_secs_of_a_voice_with_itself_is_one() -> None:
    metric = SECS()
    voice = unit(np.random.default_rng(0))
    metric.update(voice, 3 * voice, "a")
    assert metric.compute().value == pytest.approx(1)


def test_sec_averages_pairs_within_an_utterance_then_utterances() -> None:
    outputs = grid(np.random.default_rng(1))
    metric = SEC()
    for (utterance, target), vectors in outputs.items():
        for vector in vectors:
            metric.update(vector, utterance, target)
    means = []
    for utterance in ("u1", "u2", "u3"):
        cosines = [a @ b for (u, _), own in outputs.items() if u == utterance for a, b in combinations(own, 2)]
        means.append(np.mean(cosines))
    estimate = metric.compute()
    assert estimate.value == pytest.approx(np.mean(means))
    assert estimate.n == 3 + 1 + 1 + 6 + 1
    assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("wanted", ["all", "same", "cross"])
def test_sed_averages_pairs_within_an_utterance_then_utterances(wanted: str) -> None:
    outputs = grid(np.random.default_rng(2))
    kinds = {"a": "f", "b": "f", "c": "m"}
    allowed = {"all": lambda x, y: True, "same": lambda x, y: x == y, "cross": lambda x, y: x != y}[wanted]
    metric = SED(allowed)
    for (utterance, target), vectors in outputs.items():
        for vector in vectors:
            metric.update(vector, utterance, target, kinds[target])
    means = []
    for utterance in ("u1", "u2"):
        first = {target: own[0] for (u, target), own in outputs.items() if u == utterance}  # the designated picture
        cosines = [first[s] @ first[t] for s, t in combinations(first, 2) if allowed(kinds[s], kinds[t])]
        if cosines:
            means.append(np.mean(cosines))
    assert metric.compute().value == pytest.approx(np.mean(means))


def test_sed_of_centroids() -> None:
    rng = np.random.default_rng(3)
    voices = {name: [unit(rng), unit(rng)] for name in "ab"}
    metric = SED(centroids=True)
    for name, own in voices.items():
        for number, vector in enumerate(own):
            metric.update(vector, number, name)
    a, b = (np.mean(own, axis=0) for own in voices.values())
    assert metric.compute().value == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_identical_voices_have_sec_and_sed_one() -> None:
    voice = unit(np.random.default_rng(4))
    sec, sed = SEC(), SED()
    for name in "abc":
        for _ in range(2):
            sec.update(voice, "u", name)
            sed.update(voice, "u", name)
    for estimate in (sec.compute(), sed.compute()):
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((1, 1, 1))


def test_what_cannot_be_compared_says_so() -> None:
    voice = unit(np.random.default_rng(5))
    sed, sec = SED(), SEC()
    sed.update(voice, "u", "a")
    sec.update(voice, "u", "a")
    with pytest.raises(Unavailable, match="only one"):
        sed.compute()
    with pytest.raises(Unavailable, match="two pictures"):
        sec.compute()
    sed.update(voice, "v", "b")
    with pytest.raises(Unavailable, match="share a source utterance"):
        sed.compute()


def test_face_voice_fit_is_one_for_the_true_voice_and_half_for_a_neutral_one() -> None:
    voices = {name: np.eye(3)[index] for index, name in enumerate("abc")}
    sure, unsure = FaceVoiceFit(), FaceVoiceFit()
    for name, voice in voices.items():
        sure.update(voice, voices, name)
        unsure.update(np.ones(3), voices, name)
    assert sure.compute().value == 1
    assert unsure.compute().value == pytest.approx(0.5)

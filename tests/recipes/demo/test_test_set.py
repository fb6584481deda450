"""What the demo model is judged by."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from idfacevc.evaluation.conversion import TargetFace
from recipes.demo.corpora import read_utterances
from recipes.demo.evaluate.outputs import make_outputs
from recipes.demo.evaluate.test_set import crop_variants, make_plan


def test_crops_of_one_picture() -> None:
    place = np.arange(80)
    ramp = np.repeat(np.broadcast_to(40 + 2 * place, (80, 80))[..., None], 3, axis=2).astype(np.uint8)
    variants = {face.name: np.asarray(face.image) for face in crop_variants(TargetFace("7", ramp, True))}
    assert set(variants) == {"7-mirror", "7-darker", "7-turned", "7-larger"}
    assert all(image.shape == ramp.shape and image.dtype == np.uint8 for image in variants.values())
    np.testing.assert_array_equal(variants["7-mirror"][:, ::-1], ramp)
    assert abs(variants["7-darker"].mean() / ramp.mean() - 0.75) < 0.01
    # Enlarged by 25 % about the middle the ramp rises by 2 / 1.25 a pixel, turned by 2 cos 10° along the row.
    middle = slice(20, 60)
    for name, rise in (("7-larger", 2 / 1.25), ("7-turned", 2 * np.cos(np.pi / 18))):
        row = variants[name][40, middle, 0].astype(float)
        assert abs(np.polyfit(place[middle], row, 1)[0] - rise) < 0.02
        assert abs(variants[name][39:41, 39:41, 0].mean() - ramp[39:41, 39:41, 0].mean()) < 2


def test_plan(corpora: Path) -> None:
    plan = make_plan(corpora)
    trained = {row.speaker for row in read_utterances(corpora) if row.split == "train"}
    speakers = [source.speaker for source in plan.sources]
    assert len(set(speakers)) == len(set(plan.sentences)) == 60
    assert not set(speakers) & trained and not set(plan.others) & trained
    pairs = Counter((s.gender, c.gender) for s, c in zip(plan.sources, plan.faces, strict=True))
    assert set(pairs.values()) == {15}
    assert len({case.face.name for case in (*plan.faces, *plan.grid)}) == 60 + 64
    assert set(Counter((case.gender, case.age) for case in plan.grid).values()) == {8}
    assert not {r.id for own in plan.others.values() for r in own} & {source.id for source in plan.sources}


def test_plan_is_the_same_every_time_and_a_limit_shortens_it(corpora: Path) -> None:
    full, again, short = make_plan(corpora), make_plan(corpora), make_plan(corpora, 20)
    assert full.sources == again.sources
    assert [case.face.name for case in full.grid] == [case.face.name for case in again.grid]
    assert short.sources == full.sources[:20] and short.sentences == full.sentences
    assert len(short.grid) < len(full.grid)


def test_every_conversion_has_its_own_file(corpora: Path, tmp_path: Path) -> None:
    def speak(text: str) -> tuple[np.ndarray, int]:
        return np.full(16000, 0.1, np.float32), 16000

    outputs, jobs = make_outputs(make_plan(corpora, 4), tmp_path, speak)
    assert len({job.output for job in jobs}) == len(jobs)
    assert {output.clip for output in outputs if output.case} == {str(job.output) for job in jobs if job.face}
    pairs = Counter(
        (output.utterance, output.case.gender, output.case.age) for output in outputs if output.kind == "grid"
    )
    assert min(pairs.values()) >= 2  # SED has a pair in every cell of every utterance

"""The list of losses of a training: what a configuration may name, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from idfacevc.errors import InputError
from idfacevc.losses.registry import LOSSES, build_losses
from idfacevc.losses.term import Conversion, ConversionLoss, LossTerm, Step
from idfacevc.training.module import ConversionModule
from idfacevc.training.schedule import OptimSpec
from idfacevc.training.stage_a import StageA, StageASpec
from idfacevc.training.stage_b import StageB
from tests.sizes import tiny_spec
from tests.training.material import write_features
from tests.training.test_stages import FAST, data


class Loudness(ConversionLoss):
    """Mean of the mel."""

    def error(self, conversion: Conversion) -> Tensor:
        return conversion.mel.mean()


LOUDNESS = f"{__name__}.Loudness"


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"contrastve": {}}, "losses.contrastve: unknown loss; known are reconstruction, contrastive, "),
        ({"contrastive": {"tau": 0.1}}, "losses.contrastive: unknown key tau; known keys: gather, normalise"),
        ({"contrastive": {"weight": "much"}}, "losses.contrastive.weight: expected float, got 'much'"),
        ({"contrastive": 0.1}, "losses.contrastive: expected a mapping"),
        ({"mine": {"class_path": "no.such.Loss"}}, "losses.mine: no.such.Loss cannot be imported"),
        ({"mine": {"class_path": "torch.nn.Linear"}}, "losses.mine: torch.nn.Linear is no LossTerm"),
        ({"mine": {"class_path": LOUDNESS, "wait": 1}}, "losses.mine: unknown key wait; known keys: weight"),
    ],
)
def test_a_fault_is_one_clear_line(losses: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        build_losses(losses)
    assert "\n" not in str(fault.value)


def test_absent_and_null_are_off_and_a_class_path_adds_ones_own() -> None:
    terms = build_losses({"reconstruction": None, "loud": {"class_path": LOUDNESS, "weight": 2.0}, "register": {}})
    assert list(terms) == ["loud", "register"]
    assert isinstance(terms["loud"], Loudness) and terms["loud"].weight == 2.0
    assert set(map(type, build_losses({name: {} for name in LOSSES}).values())) == set(LOSSES.values())


def test_the_total_is_the_weighted_sum_and_a_conversion_loss_the_mean_over_conversions() -> None:
    module = StageA(tiny_spec(), {"one": {"class_path": LOUDNESS, "weight": 0.5}, "two": {"class_path": LOUDNESS}})
    mel = torch.zeros(2, 3, 4)
    made = [Conversion(torch.full((2, 3, 4), value), mel, torch.zeros(2, 1, 5)) for value in (1.0, 3.0)]
    step = Step(module.net, mel, torch.zeros(2), mel, mel, mel, conversions=made)
    assert module.total_loss(step) == 0.5 * 2 + 1.0 * 2
    assert step.logs == {"one": 2.0, "two": 2.0}


def test_a_loss_of_faces_is_refused_where_there_are_none(tmp_path: Path) -> None:
    module, batch = built(StageA(tiny_spec(), {"contrastive": {}}), tmp_path)
    with pytest.raises(InputError, match="reads face_identity, which StageA does not make here"):
        module.total_loss(module.make_step(batch, module.encode_content(batch["mel"])))


def built(module: ConversionModule, folder: Path) -> tuple[ConversionModule, dict[str, Tensor]]:
    source = data(write_features(folder / "features"))
    source.setup("fit")
    module.build(4)
    return module, next(iter(source.train_dataloader()))


def test_stage_a_hears_conversions_only_for_losses_that_read_them(tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    module, batch = built(StageA(tiny_spec(), {"loud": {"class_path": LOUDNESS}}, optim=FAST), tmp_path)
    step = module.make_step(batch, module.encode_content(batch["mel"]))
    assert len(step.conversions) == 1
    module.total_loss(step).backward()
    touched = {name.split(".")[1] for name, p in module.net.named_parameters(prefix="net") if p.grad is not None}
    assert {"decoder", "speech_adapter"} <= touched
    without = StageA(tiny_spec(), optim=FAST)
    assert without.make_step(batch, without.encode_content(batch["mel"])).conversions is None


def test_a_later_part_of_stage_a_begins_with_the_weights_of_an_earlier_one(tmp_path: Path) -> None:
    first = StageA(tiny_spec())
    first.build(4)
    torch.save({"state_dict": first.state_dict()}, tmp_path / "a.ckpt")
    second = StageA(tiny_spec(), stage=StageASpec(init=str(tmp_path / "a.ckpt")))
    second.build(4)
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name


def test_the_defaults_of_both_stages_are_the_papers() -> None:
    def weights(module: ConversionModule) -> dict[str, float]:
        return {name: term.weight for name, term in module.terms()}

    # Eq. 8 with lambda_1 to lambda_5 = 0.1, 0.01, 0.1, 0.1, 1 (Implementation Details); L_F = L_recall + 10 L_addr +
    # 0.2 L_inter as in FVMVC's code; the quantiser's and the predictive coding's terms at VQMIVC's weight 1 (OPEN 14)
    of_stage_b = {
        "reconstruction": 1.0,
        "contrastive": 0.1,
        "mutual_information": 0.01,
        "identity_face": 0.1,
        "identity_speech": 0.1,
        "memory_recall": 1.0,
        "memory_address": 10.0,
        "inter_speaker": 0.2,
        "vector_quantisation": 1.0,
        "predictive_coding": 1.0,
    }
    stage_b = StageB(tiny_spec())
    terms = dict(weights(stage_b))
    assert stage_b.stage.init == "" and "inter_speaker" not in terms  # there is no teacher without a stage A
    assert terms | {"inter_speaker": cast(LossTerm, LOSSES["inter_speaker"]()).weight} == of_stage_b
    assert weights(StageA(tiny_spec())) == {
        "reconstruction": 1.0,
        "mutual_information": 0.01,
        "identity_speech": 0.1,
        "vector_quantisation": 1.0,
        "predictive_coding": 1.0,
    }

    losses = build_losses({name: {} for name in LOSSES})
    assert losses["reconstruction"].l2 == 1.0 and losses["reconstruction"].l1 == 0.0  # Eq. 7 (OPEN 13)
    assert losses["contrastive"].temperature == 0.07  # OPEN 12
    assert not losses["contrastive"].symmetric and not losses["contrastive"].normalise_positives  # Eq. 4
    information = losses["mutual_information"]  # Eq. 6 (OPEN 15); VQMIVC: 512 units, 5 steps at 3e-4
    assert (information.estimator, information.hidden, information.iters) == ("vclub_full", 512, 5)
    assert information.lr == pytest.approx(3e-4)
    coding = losses["predictive_coding"]  # VQMIVC: 6 steps, 10 negatives, 256 units
    assert (coding.steps, coding.negatives, coding.context) == (6, 10, 256)
    assert losses["memory_recall"].detach_speech and losses["memory_address"].detach_speech  # OPEN 17

    # FVMVC's table, which the paper follows (OPEN 19); stage A has VQMIVC's schedule
    assert stage_b.optim == OptimSpec(1e-6, 2.5e-4, 2000, "milestones", (800, 1200, 1600), 0.5, 2000, 1.0, 0.1)
    assert StageA(tiny_spec()).optim == OptimSpec(1e-6, 1e-3, 2000, "milestones", (300, 400, 500), 0.5, 500, 1.0, 0.1)

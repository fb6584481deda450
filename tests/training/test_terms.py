"""Terms that a recipe adds to a stage's loss."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from idfacevc.training.stage_a import StageA, StageASpec
from idfacevc.training.terms import Conversion, ConversionTerm, further_loss
from tests.sizes import tiny_spec
from tests.training.material import write_features
from tests.training.test_stages import FAST, data


class Loudness(ConversionTerm):
    """Mean of the mel."""

    def forward(self, conversion: Conversion) -> Tensor:
        return conversion.mel.mean()


def test_the_loss_is_the_weighted_sum_of_the_means_over_the_conversions() -> None:
    made = [
        Conversion(torch.full((2, 3, 4), value), torch.zeros(2, 3, 4), torch.zeros(2, 1, 5)) for value in (1.0, 3.0)
    ]
    logs: dict[str, Tensor] = {}
    assert further_loss([Loudness("one", 0.5), Loudness("two", 2.0)], made, logs) == 0.5 * 2 + 2 * 2
    assert logs == {"one": 2.0, "two": 2.0}
    assert further_loss([], made, logs) == 0


def test_a_term_of_stage_a_hears_conversions_and_reaches_decoder_and_content(tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    module = StageA(tiny_spec(), optim=FAST, terms=[Loudness("loudness", 1.0)])
    module.build_heads(4)
    source = data(write_features(tmp_path / "features"))
    source.setup("fit")
    batch = next(iter(source.train_dataloader()))
    losses = module.losses(batch, module.encode_content(batch["mel"]))
    assert len(losses.mels) == 2
    losses.logs["loudness"].backward()
    touched = {name.split(".")[1] for name, p in module.net.named_parameters(prefix="net") if p.grad is not None}
    assert {"decoder", "speech_adapter"} <= touched


def test_a_later_part_of_stage_a_begins_with_the_weights_of_an_earlier_one(tmp_path: Path) -> None:
    first = StageA(tiny_spec())
    first.build_heads(4)
    torch.save({"state_dict": first.state_dict()}, tmp_path / "a.ckpt")
    second = StageA(tiny_spec(), stage=StageASpec(init=str(tmp_path / "a.ckpt")))
    second.build_heads(4)
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name

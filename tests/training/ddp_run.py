"""Trainings that tests/training/test_distributed.py runs in one process and in two.

Nothing in them depends on how a batch is shared out: no dropout, no CPC negatives, fixed batch statistics.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from idfacevc.config.content import VqcpcSpec
from idfacevc.config.face_head import SafpqSpec
from idfacevc.data.conversion import ConversionDataModule
from idfacevc.training.module import ConversionModule
from idfacevc.training.schedule import OptimSpec
from idfacevc.training.stage_a import LOSSES_A, StageA
from idfacevc.training.stage_b import LOSSES_B, StageB, StageBSpec
from tests.sizes import tiny_spec

OPTIM = OptimSpec(lr_init=1e-3, lr_max=2e-3, warmup_steps=2, content_lr=1.0)
SPEC = tiny_spec(
    face_head=SafpqSpec(prompts=4, dim=32, heads=2, ffn_dim=48, dropout=0.0),
    content=VqcpcSpec(hidden=32, layers=2, dim=16, codes=24, decay=0.9),
)
RESTARTING = tiny_spec(content=VqcpcSpec(hidden=32, layers=2, dim=16, codes=24, decay=0.5, restart_threshold=0.5))


class FixedNorms(pl.Callback):
    """Batch norms stay in evaluation mode: synchronised batch statistics exist on GPUs alone."""

    def on_train_batch_start(self, trainer, module, batch, batch_index):
        for one in module.modules():
            if isinstance(one, _BatchNorm):
                one.eval()


def exact(stage_a: str) -> ConversionModule:
    """Stage B whose every loss is one of the whole batch."""
    pl.seed_everything(1, verbose=False)
    gathered = {name: {"gather": True} for name in ("contrastive", "mutual_information")}
    losses = {**LOSSES_B, **gathered, "predictive_coding": None}
    module = StageB(SPEC, losses, StageBSpec(init=stage_a), OPTIM)
    module.build(4)  # here, since Lightning seeds anew before it starts processes
    return module


def lively() -> ConversionModule:
    """Stage A with all that differs from process to process: restarted codes, an adversary, batch statistics."""
    adversary = {"weight": 0.1, "feature_matching": 10.0, "label": 1.0, "noise": 0.0, "blocks": 2}
    return StageA(RESTARTING, {**LOSSES_A, "adversarial": adversary}, optim=OPTIM)


def train(module: ConversionModule, features: str, batch: int, callbacks: list, **options) -> dict:
    """State dict and metrics after three epochs of 12 clips."""
    source = ConversionDataModule(features, with_faces=True, crop_frames=32, batch_size=batch)
    run = pl.Trainer(
        accelerator="cpu", max_epochs=3, logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, num_sanity_val_steps=0, callbacks=callbacks, **options,
    )  # fmt: skip
    run.fit(module, source)
    return {**module.state_dict(), "valid/reconstruction": run.callback_metrics["valid/reconstruction"]}


def one_of_two(rank: int, port: int, features: str, stage_a: str, out: Path) -> None:
    """The trainings in a process of its own; leaves `rank{rank}.pt` in `out`."""
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    options = {"strategy": "ddp_find_unused_parameters_true", "devices": 2}
    results = {"exact": train(exact(stage_a), features, 4, [FixedNorms()], **options)}
    pl.seed_everything(rank, verbose=False)  # not even the initial weights are alike
    results["lively"] = train(lively(), features, 4, [], **options)
    torch.save(results, out / f"rank{rank}.pt")

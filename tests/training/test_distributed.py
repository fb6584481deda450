"""Two processes that train together over gloo on the CPU."""

import multiprocessing
import socket

import pytest
import torch

from idfacevc.data.sampling import DrawSampler
from idfacevc.training.stage_a import StageA
from tests.training import ddp_run
from tests.training.material import write_features

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def stage_a(tmp_path_factory):
    path = tmp_path_factory.mktemp("a") / "a.ckpt"
    torch.manual_seed(5)
    torch.save({"state_dict": StageA(ddp_run.SPEC).state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def ranks(features, stage_a, tmp_path_factory):
    """What each of two processes has after its trainings."""
    out = tmp_path_factory.mktemp("ranks")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    context = multiprocessing.get_context("forkserver")  # one import for both
    context.set_forkserver_preload(["tests.training.ddp_run"])
    arguments = (port, str(features), str(stage_a), out)
    started = [context.Process(target=ddp_run.one_of_two, args=(rank, *arguments), daemon=True) for rank in range(2)]
    try:
        for one in started:
            one.start()
        for one in started:
            one.join(timeout=250)
        assert [one.exitcode for one in started] == [0, 0]
    finally:
        for one in started:
            one.kill()
    return [torch.load(out / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("training", ["exact", "lively"])
def test_every_process_holds_the_same_weights_and_codebooks(ranks, training):
    first, second = (rank[training] for rank in ranks)
    assert first.keys() == second.keys() and "net.content.quantizers.0.codebook" in first
    for name, value in first.items():
        if "running_" in name or name == "valid/reconstruction":  # DDP hands on the first process's before each step
            continue
        torch.testing.assert_close(second[name], value, rtol=1e-6, atol=1e-7, msg=name)


def test_two_processes_learn_what_one_learns_from_the_joined_batch(ranks, features, stage_a):
    module = ddp_run.exact(str(stage_a))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    alone = ddp_run.train(module, str(features), 8, [ddp_run.FixedNorms()], devices=1)
    moved = 0
    for name, value in alone.items():
        if "key.bias" in name:  # softmax takes no notice of it: its gradient is rounding error
            continue
        found = ranks[0]["exact"][name]
        if name in before and not torch.allclose(value, before[name], atol=1e-3):
            # of what was learnt: Adam makes a whole step of a gradient that is all rounding error
            assert (found - value).norm() < 0.02 * (value - before[name]).norm(), name
            moved += 1
        else:
            torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-3, msg=name)
    assert moved > 50


def test_processes_share_out_the_draws_of_one():
    for clips, processes in ((12, 2), (10, 4), (3, 2), (2, 5)):
        samplers = [DrawSampler(clips, 1, rank=rank, processes=processes) for rank in range(processes)]
        whole = DrawSampler(clips, 1)
        for sampler in (whole, *samplers):
            sampler.set_epoch(3)
        parts = [list(sampler) for sampler in samplers]
        assert {len(part) for part in parts} == {len(samplers[0])}
        joined = [draw for together in zip(*parts, strict=True) for draw in together]
        assert joined[:clips] == list(whole)
        assert set(joined) == set(whole)

import pytest
import pytorch_lightning as pl
import torch

from idfacevc.training.stage_b import StageB
from recipes.demo.speaker_judge import SpeakerJudge, SpeakerJudgeModule, load_speaker_judge
from tests.sizes import tiny_spec
from tests.training.material import write_features
from tests.training.test_stages import FAST, data, trainer


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def checkpoint(features, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    pl.seed_everything(0, verbose=False)
    run = trainer(folder, 30, enable_checkpointing=False, limit_val_batches=0)
    run.fit(SpeakerJudgeModule(hidden=32), data(features))
    run.save_checkpoint(folder / "judge.ckpt")
    return folder / "judge.ckpt"


def test_it_tells_the_speakers_of_held_out_clips(features, checkpoint):
    source = data(features)
    source.setup("fit")
    batch = next(iter(source.val_dataloader()))
    statistics = source.statistics
    mel = (batch["mel"] - statistics["mel_mean"][:, None]) / statistics["mel_std"][:, None]
    judge = load_speaker_judge(str(checkpoint))
    embedding = torch.nn.functional.normalize(batch["speech"][:, 0], dim=1)
    assert torch.equal((judge(mel) @ embedding.T).argmax(dim=1), torch.arange(len(mel)))
    assert not any(parameter.requires_grad for parameter in judge.parameters()) and not judge.training


def test_vectors_have_unit_length():
    torch.testing.assert_close(SpeakerJudge(80, 16, 8)(torch.randn(3, 80, 40)).norm(dim=1), torch.ones(3))


def test_its_loss_reaches_decoder_and_face_branch_and_leaves_the_judge(features, checkpoint, tmp_path):
    pl.seed_everything(0, verbose=False)
    voice = {"class_path": "recipes.demo.speaker_judge.SpeakerLoss", "checkpoint": str(checkpoint)}
    module = StageB(tiny_spec(), {"voice": voice}, optim=FAST)
    module.build(4)
    source = data(features, faces=True)
    source.setup("fit")
    batch = next(iter(source.train_dataloader()))
    before = {name: value.clone() for name, value in module.losses.state_dict().items()}
    loss = module.total_loss(module.make_step(batch, module.encode_content(batch["mel"])))
    assert 0 < loss < 2
    loss.backward()
    touched = {name.split(".")[1] for name, p in module.net.named_parameters(prefix="net") if p.grad is not None}
    assert {"decoder", "face_head", "memory"} <= touched
    for name, value in module.losses.state_dict().items():
        assert torch.equal(value, before[name]), name

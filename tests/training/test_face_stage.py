import pytest
import pytorch_lightning as pl
import torch

from idfacevc.config.face_head import MlpSpec
from idfacevc.config.memory import LinearWarpSpec
from idfacevc.training.face_stage import FaceStage
from idfacevc.training.stage_a import StageA
from tests.sizes import tiny_spec
from tests.training.material import write_features
from tests.training.test_stages import FAST, data, trainer

SPEC = tiny_spec(face_head=MlpSpec(dim=32, ffn_dim=48), memory=LinearWarpSpec(dim=32))


@pytest.mark.parametrize(
    ("face", "learning"), [("", ("face_head.", "face_adapter.", "memory.")), ("a.ckpt", ("memory.",))]
)
@pytest.mark.parametrize("loss", ["mse", "sge2e"])
def test_only_the_way_from_face_to_voice_learns(tmp_path, face, learning, loss):
    pl.seed_everything(0, verbose=False)
    before = StageA(SPEC).state_dict()
    torch.save({"state_dict": before}, tmp_path / "a.ckpt")
    module = FaceStage(SPEC, str(tmp_path / "a.ckpt"), face and str(tmp_path / face), loss, FAST)
    source = data(write_features(tmp_path / "features"), faces=True)
    source.setup("fit")
    batch = next(iter(source.train_dataloader()))
    start = {name: value.clone() for name, value in module.net.state_dict().items()}
    error = module.eval().error(batch).item()
    trainer(tmp_path, 60, enable_checkpointing=False, limit_val_batches=0).fit(module, source)
    assert module.eval().error(batch).item() < 0.9 * error
    for name, value in module.net.state_dict().items():
        assert torch.equal(value, start[name]) == (not name.startswith(learning)), name
        if not name.startswith(("face_", "memory.")):
            assert torch.equal(value, before[f"net.{name}"]), name

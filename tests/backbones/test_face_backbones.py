"""Backbones behind the slot: the tower, CLIP through its real loading path, FaceNet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from idfacevc.backbones.registry import face_backbone
from idfacevc.backbones.tower import FaceTower
from idfacevc.config.face import ClipSpec, FaceNetSpec, FaceSpec, TowerSpec
from idfacevc.errors import InputError
from tests.closeness import assert_near
from tests.pretrained_models import write_clip


@pytest.fixture(scope="module")
def crops() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (size, size, 3), dtype=np.uint8)) for size in (50, 90)]


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP vision transformer of 3 layers and 5 tokens, saved as the hub's are."""
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_tower_tokens(crops: list[Image.Image]) -> None:
    sizes = TowerSpec(channels=(8, 16), blocks=(1, 1), image_size=32)
    backbone = face_backbone(FaceSpec(sizes), FaceTower(sizes))
    tokens = backbone.tokens(crops)
    assert tokens.shape == (2, 64, 16)
    assert_near(tokens[1:], backbone.tokens(crops[1:]))
    with pytest.raises(InputError, match="tower"):
        face_backbone(FaceSpec(TowerSpec()), None)


def test_clip_hidden_states(crops: list[Image.Image], clip_folder: Path) -> None:
    """Against transformers' own image processor and model, which are the oracle for preprocessing and layer count."""
    from transformers import CLIPVisionModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokens = face_backbone(FaceSpec(ClipSpec(name=str(clip_folder)), token_dim=32), None).tokens(crops)
    assert tokens.shape == (2, 5, 32)
    assert not tokens.requires_grad
    processor = CLIPImageProcessorPil(size={"height": 64, "width": 64}, do_center_crop=False)
    with torch.no_grad():
        model = CLIPVisionModel.from_pretrained(clip_folder).eval()
        states = model(**processor(crops, return_tensors="pt"), output_hidden_states=True).hidden_states
    assert_near(tokens, states[-2])


def test_clip_out_of_a_whole_clip_model(
    crops: list[Image.Image], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The hub's files hold the text side too."""
    from transformers import CLIPConfig, CLIPModel, CLIPTextModel

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = sizes | {"vocab_size": 99, "bos_token_id": 97, "eos_token_id": 98}
    whole = CLIPModel(CLIPConfig(vision_config=sizes | {"image_size": 64}, text_config=text))
    whole.save_pretrained(tmp_path / "whole")
    caplog.clear()
    backbone = face_backbone(FaceSpec(ClipSpec(name=str(tmp_path / "whole")), token_dim=32), None)
    assert not caplog.records
    assert backbone.tokens(crops).shape == (2, 5, 32)
    ours, theirs = (
        next(value for name, value in model.named_parameters() if name.endswith("layers.0.mlp.fc1.weight"))
        for model in (backbone.model, whole.vision_model)  # type: ignore[attr-defined]
    )
    assert_near(ours, theirs)

    CLIPTextModel(whole.config.text_config).save_pretrained(tmp_path / "text")
    with pytest.raises(InputError, match="is no CLIPVisionModel"):
        face_backbone(FaceSpec(ClipSpec(name=str(tmp_path / "text")), token_dim=32), None)


def test_clip_layer_and_class_token(crops: list[Image.Image], clip_folder: Path) -> None:
    def tokens(**settings: object) -> torch.Tensor:
        return face_backbone(FaceSpec(ClipSpec(name=str(clip_folder), **settings), token_dim=32), None).tokens(crops)

    torch.testing.assert_close(tokens(layer=2), tokens(layer=-2))
    assert not torch.allclose(tokens(layer=1), tokens(layer=-2))
    torch.testing.assert_close(tokens(drop_cls=True), tokens()[:, 1:])


def test_clip_that_does_not_fit(clip_folder: Path) -> None:
    with pytest.raises(InputError, match="32 wide, not 768"):
        face_backbone(FaceSpec(ClipSpec(name=str(clip_folder))), None)
    with pytest.raises(InputError, match="4 hidden states"):
        face_backbone(FaceSpec(ClipSpec(name=str(clip_folder), layer=4), token_dim=32), None)


@pytest.mark.timeout(60)  # no waiting for a network
def test_clip_that_is_not_here_fails_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(InputError, match="idfacevc download"):
        face_backbone(FaceSpec(ClipSpec(name="nobody/no-such-clip", revision=None)), None)


def test_facenet_embedding_is_one_token(tmp_path: Path, crops: list[Image.Image]) -> None:
    facenet_pytorch = pytest.importorskip("facenet_pytorch")
    torch.manual_seed(0)
    model = facenet_pytorch.InceptionResnetV1(pretrained=None).eval()
    weights = {**model.state_dict(), "logits.weight": torch.zeros(8, 512), "logits.bias": torch.zeros(8)}
    torch.save(weights, tmp_path / "vggface2.pt")
    spec = FaceSpec(FaceNetSpec(name=str(tmp_path / "vggface2.pt")), token_dim=512)
    tokens = face_backbone(spec, None).tokens(crops[:1])
    assert tokens.shape == (1, 1, 512)
    torch.testing.assert_close(tokens.norm(dim=-1), torch.ones(1, 1))


def test_facenet_without_its_weights(tmp_path: Path) -> None:
    pytest.importorskip("facenet_pytorch")
    with pytest.raises(InputError, match="none at"):
        face_backbone(FaceSpec(FaceNetSpec(name=str(tmp_path / "absent.pt"))), None)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="no weights of InceptionResnetV1"):
        face_backbone(FaceSpec(FaceNetSpec(name=str(tmp_path / "other.pt"))), None)
